// Cross-entropy of logits that stay in their own type: nothing else of their size is made.
#pragma once

#include <cstdint>

#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/kernels/stream.hpp>

namespace ashlar::cuda {

// Of each row: log_sums = log(sum(exp(logits))), losses = log_sums - logits[target]. A target outside of
// [0, columns) makes the loss NaN. One read of the logits, in an order that is always the same.
void cross_entropy(const void* logits,           // (rows, columns), of `type`
                   const std::int64_t* targets,  // (rows)
                   float* log_sums,              // (rows)
                   float* losses,                // (rows)
                   long rows, long columns, dtype type, Stream stream);

// Writes over the logits the gradient of mean(losses), times *upstream: (softmax - one_hot(target)) *
// *upstream / rows.
void cross_entropy_backward(void* logits, const std::int64_t* targets, const float* log_sums,
                            const float* upstream, long rows, long columns, dtype type, Stream stream);

}  // namespace ashlar::cuda
