// Fp32: float32 everywhere.
//
//   also known as    full precision
//   each rank keeps  P = 4 bytes a parameter, G = 4, O = 4 a state tensor
//   each step sends  P and G in float32
//   needs            nothing
//   composes with    everything
//   choose another   Bf16Mixed, for half the bytes of P and faster matrix products
//   shown by         examples/01_one_process.cpp
#pragma once

#include <ashlar/concepts/precision_policy.hpp>

namespace ashlar::precision {

struct Fp32 {
  static constexpr std::string_view name = "Fp32";
  static constexpr auto compute = dtype::f32;
  static constexpr auto reduce = dtype::f32;
  static constexpr auto master = dtype::f32;
};

static_assert(precision_policy<Fp32>);

}  // namespace ashlar::precision
