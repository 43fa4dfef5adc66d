// The operations of nn/ops.hpp that have a kernel of their own: one pass forward and one back, and for
// backward nothing kept but their inputs.
#pragma once

#include <array>

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

// Whether they take a norm of x by such a weight.
bool takes_norm(const Tensor& x, const Tensor& weight);

// Whether a and b are alike in type and shape.
bool same_kind(const Tensor& a, const Tensor& b);

Tensor rms_norm(const Tensor& x, const Tensor& weight, double epsilon);
Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double epsilon);
// x + delta, and its norm.
std::array<Tensor, 2> add_rms_norm(const Tensor& x, const Tensor& delta, const Tensor& weight,
                                   double epsilon);
std::array<Tensor, 2> add_layer_norm(const Tensor& x, const Tensor& delta, const Tensor& weight,
                                     const Tensor& bias, double epsilon);

Tensor embedding(const Tensor& ids, const Tensor& weight, const nn::Gradient& gradient);

Tensor silu_mul(const Tensor& gate, const Tensor& up);
Tensor gated_linear(const Tensor& gate, const Tensor& up, const nn::AnyParameter& weight);
Tensor rope(const Tensor& x, long heads, double base);
Tensor linear_cross_entropy(const Tensor& x, const nn::AnyParameter& weight, const Tensor& targets);

}  // namespace ashlar::cuda
