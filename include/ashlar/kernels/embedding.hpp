// The gradient of an embedding's weight, summed where it is to be.
#pragma once

#include <cstdint>

#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/kernels/stream.hpp>

namespace ashlar::cuda {

// Row `id` of `window` = the sum of the gradient's rows of that id, in float32; rows of ids that do not occur
// stay as they are. An id outside of [0, words) is left out. Each sum is added up in an order that is always
// the same.
void embedding_backward(const std::int64_t* ids,    // (count), sorted
                        const std::int64_t* order,  // (count): which row of the gradient each of them has
                        const void* gradient,       // (count, dim), of `type`
                        void* window,               // (words, dim), of `window_type`
                        long count, long words, long dim, dtype type, dtype window_type, Stream stream);

}  // namespace ashlar::cuda
