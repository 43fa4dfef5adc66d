// What an Offload policy must provide: where a shard rests between uses.
//
//   None              on the device that computes
//   OptimizerToHost   on the host: master weights and optimizer state, which its cores update
//
//   needs  name; optimizer (where master weights and optimizer state rest).
#pragma once

#include <ashlar/concepts/policy.hpp>

namespace ashlar {

enum class memory { device, host };

template <class O>
concept rests_optimizer = requires { &O::optimizer; } && detail::shared<decltype(&O::optimizer)> &&
                          requires { typename detail::constant<memory, O::optimizer>; };

template <class O>
concept offload_like = names_itself<O> || rests_optimizer<O>;

template <class O>
concept offload_policy = names_itself<O> && rests_optimizer<O>;

}  // namespace ashlar
