// The sum of squares, added up in double in an order that is always the same.
#pragma once

#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/kernels/stream.hpp>

namespace ashlar::cuda {

// In how many parts the elements are summed: eight blocks for each of an H200's 132 multiprocessors.
inline constexpr long square_parts = 1056;

// *sum += x[0]^2 + x[1]^2 + ...
void add_squares(const void* x,    // 1D, numel, of `type`
                 double* partial,  // (square_parts), to work with
                 double* sum,      // in the GPU's memory
                 long numel, dtype type, Stream stream);

}  // namespace ashlar::cuda
