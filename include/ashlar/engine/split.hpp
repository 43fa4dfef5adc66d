// Split: a float32 master in twice 16 bits, of which the upper ones are what computes.
//
//   compute  the master rounded to bfloat16: to nearest, from halfway away from zero
//   rest     what the master's bits are more than compute's, from -0x8000 to 0x7fff
//
// The bits are counted as one number, so that a carry goes into the exponent: every float32 comes back bit
// for bit, one that rounds to infinity, too. A NaN comes back as 0x7fc00000, whichever it was, for the bits
// of some are next to those of infinity or zero.
#pragma once

#include <ATen/core/Tensor.h>

#include <ashlar/tensor.hpp>

namespace ashlar {

struct Split {
  Tensor compute;  // ND, bfloat16
  Tensor rest;     // ND, int16
};

// While they run, 12 bytes an element are there at most, the master's own 4 included (plan/plan.hpp).
Split split(const Tensor& master);  // ND, float32
Tensor join(const Split& halves);   // ND, float32

}  // namespace ashlar
