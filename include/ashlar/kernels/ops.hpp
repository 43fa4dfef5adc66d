// The operations of nn/ops.hpp that have a kernel of their own: one pass forward and one back, and for
// backward nothing kept but their inputs.
#pragma once

#include <ashlar/nn/parameter.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar::cuda {

#ifdef ASHLAR_WITH_KERNELS
inline constexpr bool has_kernels = true;
#else
inline constexpr bool has_kernels = false;
#endif

// Whether the kernels take such a tensor: on a GPU, in bfloat16 or float32.
bool takes(const Tensor& x);

// The sum over the rows, without a workspace of the rows' size, such as LibTorch takes.
Tensor column_sums(const Tensor& x);  // (rows, columns) -> (columns)

Tensor silu_mul(const Tensor& gate, const Tensor& up);
Tensor rope(const Tensor& x, long heads, double base);
Tensor linear_cross_entropy(const Tensor& x, const nn::AnyParameter& weight, const Tensor& targets);

}  // namespace ashlar::cuda
