// The laws of a Precision policy (concepts/precision_policy.hpp).
//
//   law.5  master remembers all that compute can say: a parameter cast to master and back is what it was.
//   law.6  gradients are reduced in the type in which the optimizer reads them.
//   law.13 a master that is split is a float32, and compute, which is its upper half, a bfloat16.
//
// All are constants. Called at run time, law.5 casts or splits tensors and names the first number that is
// lost.
#pragma once

#include <string>
#include <type_traits>

#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/error.hpp>

namespace ashlar::laws {

namespace detail {
// The first finite value of `compute` that a cast to `master` and back changes, in words; empty if none is.
// `splits`: on the way back a master is split, and joined without its rest.
std::string lost(dtype compute, dtype master, bool splits);
}  // namespace detail

template <class Precision>
  requires names_types<Precision>
constexpr bool precision() {
  constexpr dtype compute = Precision::compute, master = Precision::master;
  constexpr bool splits = splits_master<Precision>;
  if (splits && (compute != dtype::bf16 || master != dtype::f32))
    throw Error("law.13", "a master of 4 bytes that is split, and 2 of them that compute",
                std::to_string(bytes(master)) + " and " + std::to_string(bytes(compute)),
                "leave splits_master out");
  if (std::is_constant_evaluated() ? bytes(compute) > bytes(master)
                                   : !detail::lost(compute, master, splits).empty())
    throw Error("law.5", "a master type that keeps every value of the compute type",
                detail::lost(compute, master, splits), "write a master type at least as wide as compute");
  if (Precision::reduce != master)
    throw Error("law.6", "gradients reduced in the master type",
                std::to_string(bytes(Precision::reduce)) + " bytes an element where the optimizer reads " +
                    std::to_string(bytes(master)),
                "write reduce = master");
  return true;
}

}  // namespace ashlar::laws
