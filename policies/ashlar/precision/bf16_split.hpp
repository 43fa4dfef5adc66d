// Bf16Split: bfloat16 computes, float32 remembers, and the one is the upper half of the other.
//
//   also known as    split master weights; Split-SGD-BF16; store_param_remainders of Apex's optimizers
//   each rank keeps  P = 2 bytes a parameter, G = 4, O = 2 of master weight and 4 a state tensor
//   each step sends  P in bfloat16, G in float32
//   needs            a model whose operators accept bfloat16
//   composes with    everything
//   choose another   Bf16Mixed, for parameters that are rounded as LibTorch rounds
//   shown by         examples/04_mixed_precision.cpp
//
// The masters are Bf16Mixed's, bit for bit, but for one thing: one that lies halfway between two numbers of
// bfloat16 is rounded away from zero, and not to the even one, so that 16 bits are enough (engine/split.hpp).
#pragma once

#include <ashlar/concepts/precision_policy.hpp>

namespace ashlar::precision {

struct Bf16Split {
  static constexpr std::string_view name = "Bf16Split";
  static constexpr auto compute = dtype::bf16;
  static constexpr auto reduce = dtype::f32;
  static constexpr auto master = dtype::f32;
  static constexpr bool splits_master = true;
};

static_assert(precision_policy<Bf16Split>);

}  // namespace ashlar::precision
