// BySize<bytes>: every module that holds at least so many bytes of parameters of its own is a unit.
//
//   also known as    FSDP size_based_auto_wrap_policy
//   each rank keeps  under Zero3 room for the root and a few whole units
//   each step sends  one collective a unit where WholeModel sends one
//   needs            a declared model: its shapes decide, in the compiler
//   composes with    everything
//   choose another   Each<Block>, when a type is the natural layer
//   shown by         examples/05_by_size.cpp
//
// A parameter counts 4 bytes whatever the Precision, so that the units do not change with it. Parameters that
// an inner unit holds do not count for the outer one, and a module whose parameters are tied elsewhere is
// never a unit.
#pragma once

#include <ashlar/concepts/wrap_policy.hpp>
#include <ashlar/model/own_numel.hpp>

namespace ashlar::wrap {

template <long bytes>
struct BySize {
  static constexpr std::string_view name = "BySize";
  static constexpr long least_bytes = bytes;

  template <class Model, class T>
  static consteval bool starts_unit() {
    return detail::own_numel_of<BySize, Model, T> * 4 >= bytes && !tied_elsewhere<Model, T>;
  }

  template <class Model>
  static consteval bool applies() {
    return declared_module<Model> && !any_type<Model>([]<class T>() { return torch_module<T>; });
  }
};

static_assert(wrap_policy<BySize<1 << 20>>);

}  // namespace ashlar::wrap
