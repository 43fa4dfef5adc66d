// The gate of SwiGLU.
#pragma once

#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/kernels/stream.hpp>

namespace ashlar::cuda {

// out = gate * sigmoid(gate) * up                                       all 1D, numel, of `type`
void silu_mul(const void* gate, const void* up, void* out, long numel, dtype type, Stream stream);

// The gradients of gate and up, from that of out; and out again, where `out` is not null. It may be
// `gradient`, whose place it takes then.
void silu_mul_backward(const void* gate, const void* up, const void* gradient, void* gate_gradient,
                       void* up_gradient, void* out, long numel, dtype type, Stream stream);

}  // namespace ashlar::cuda
