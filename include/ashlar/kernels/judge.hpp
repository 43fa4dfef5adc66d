// Whether a step counts, decided where its numbers are.
#pragma once

#include <ashlar/kernels/stream.hpp>

namespace ashlar::cuda {

// *factor = min(1, clip_norm / (norm + 1e-6)), in float32, as torch's clip_grad_norm_ has it; NaN, which the
// update takes for no step at all, if loss or norm is not finite or the ranks' rows differ.
void judge(const double* sums,    // (4), over the ranks: loss, squared norm, rows, squared rows
           const double* square,  // the squared norm of the gradient
           float* factor, double clip_norm, int ranks, Stream stream);

}  // namespace ashlar::cuda
