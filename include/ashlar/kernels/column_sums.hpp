// The sum of each column, which is the gradient of a bias.
#pragma once

#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/kernels/stream.hpp>

namespace ashlar::cuda {

// Into how many parts the rows are cut, each summed by itself: always in the same order.
inline constexpr long row_parts = 32;

// sums[c] = x[0][c] + x[1][c] + ..., added up in float32.
void column_sums(const void* x,   // (rows, columns), of `type`
                 float* partial,  // (row_parts, columns), to work with
                 void* sums,      // (columns), of `type`
                 long rows, long columns, dtype type, Stream stream);

}  // namespace ashlar::cuda
