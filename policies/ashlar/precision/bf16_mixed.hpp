// Bf16Mixed: bfloat16 computes, float32 remembers.
//
//   also known as    bf16 mixed precision; FSDP MixedPrecision(param_dtype=bfloat16, reduce_dtype=float32)
//   each rank keeps  P = 2 bytes a parameter, G = 4, O = 4 of master weight and 4 a state tensor
//   each step sends  P in bfloat16, G in float32
//   needs            a model whose operators accept bfloat16
//   composes with    everything
//   choose another   Bf16Split, for 2 bytes a parameter less on each rank
//   shown by         examples/04_mixed_precision.cpp
#pragma once

#include <ashlar/concepts/precision_policy.hpp>

namespace ashlar::precision {

struct Bf16Mixed {
  static constexpr std::string_view name = "Bf16Mixed";
  static constexpr auto compute = dtype::bf16;
  static constexpr auto reduce = dtype::f32;
  static constexpr auto master = dtype::f32;
};

static_assert(precision_policy<Bf16Mixed>);

}  // namespace ashlar::precision
