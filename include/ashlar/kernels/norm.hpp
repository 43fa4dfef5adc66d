// RMSNorm and LayerNorm of rows, alone or with the residual addition before them.
#pragma once

#include <algorithm>

#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/kernels/stream.hpp>

namespace ashlar::cuda {

// The longest row: a block holds one in its registers.
inline constexpr long widest_norm = 8192;

// In how many parts the gradients of weight and bias are summed: two blocks for each of an H200's 132
// multiprocessors where a row has 4096 elements, more where it is shorter. The same on every GPU.
constexpr long norm_parts(long rows, long dim) {
  return std::min(rows, 264 * std::clamp(4096 / dim, 1L, 8L));
}

// What a norm normalises, and by what. With a bias it is LayerNorm, which subtracts the mean; without,
// RMSNorm.
struct Norm {
  const void* weight;  // (dim), of `type`
  const void* bias;    // (dim), or null
  float* means;        // (rows); null for RMSNorm
  float* roots;        // (rows): 1 / sqrt(variance + epsilon)
  long rows, dim;      // dim at most widest_norm
  dtype type;
};

// sum = x + delta, rounded to the type, and y = its norm. Without delta y is the norm of x. Writes
// means and roots.
void norm(const Norm& norm,
          const void* x,      // (rows, dim), of `type`
          const void* delta,  // same, or null
          void* sum,          // same, or null
          void* y,            // same
          double epsilon, Stream stream);

// Of what was normalised, and of weight and bias, the gradients. A gradient of the sum is added to the first.
void norm_backward(const Norm& norm,
                   const void* x,             // (rows, dim), of `type`: what was normalised
                   const void* gradient,      // same: of y
                   const void* sum_gradient,  // same, or null
                   void* x_gradient,          // same
                   float* partial,            // (2 with bias, else 1; norm_parts, dim), to work with; or null
                   void* weight_gradient,     // (dim); not written without `partial`
                   void* bias_gradient,       // (dim)
                   Stream stream);

}  // namespace ashlar::cuda
