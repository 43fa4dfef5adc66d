// What an Offload policy must provide: where a shard rests between uses.
//
//   None   on the device that computes
//
//   needs  name; optimizer (where master weights and optimizer state rest).
#pragma once

#include <ashlar/concepts/shard_policy.hpp>

namespace ashlar {

enum class memory { device };

template <class O>
concept offload_policy = names_itself<O> && requires {
  { O::optimizer } -> std::convertible_to<memory>;
};

}  // namespace ashlar
