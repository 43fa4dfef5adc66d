// Bf16Pure: bfloat16 everywhere, the optimizer included.
//
//   also known as    pure bf16
//   each rank keeps  P = 2 bytes a parameter, G = 2, O = 2 a state tensor
//   each step sends  P and G in bfloat16
//   needs            a model whose operators accept bfloat16
//   composes with    everything
//   choose another   Bf16Mixed, whenever its master weights fit: here small updates are rounded away
//   shown by         examples/04_mixed_precision.cpp
#pragma once

#include <ashlar/concepts/precision_policy.hpp>

namespace ashlar::precision {

struct Bf16Pure {
  static constexpr std::string_view name = "Bf16Pure";
  static constexpr auto compute = dtype::bf16;
  static constexpr auto reduce = dtype::bf16;
  static constexpr auto master = dtype::bf16;
};

static_assert(precision_policy<Bf16Pure>);

}  // namespace ashlar::precision
