// What a Replay policy must provide: whether a GPU is told a step anew each time.
//
//   None    each step is launched kernel by kernel
//   Graph   a step is captured once, as a CUDA graph, and then replayed as a whole
//
//   needs  name; captures.
//   laws   losses and parameters are bit-equal, captured or not, where kernels are deterministic.
//   promises nothing where there is nothing to capture: on a CPU, for an optimizer without update_fused(),
//            for a communicator whose collectives run on the host, for a step that draws random numbers.
#pragma once

#include <ashlar/concepts/policy.hpp>

namespace ashlar {

template <class R>
concept replay_policy = names_itself<R> && requires {
  &R::captures;
} && detail::shared<decltype(&R::captures)> && requires { typename detail::constant<bool, R::captures>; };

}  // namespace ashlar
