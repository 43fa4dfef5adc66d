// Rotary position embedding, angles included.
#pragma once

#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/kernels/stream.hpp>

namespace ashlar::cuda {

// In each head of row r, at position t = r mod `tokens`, elements i and i + width/2 turn together by the
// angle t * base^(-2i/width); by its negative, which is the gradient, if `back`. `out` may be x.
void rope(const void* x,  // (rows, heads * width), of `type`
          void* out,      // same
          long rows, long tokens, long heads, long width, double base, bool back, dtype type, Stream stream);

}  // namespace ashlar::cuda
