// Each<Types...>: every module of these types is a unit.
//
//   also known as    FSDP transformer_auto_wrap_policy, module classes to wrap
//   each rank keeps  under Zero3 room for the root and a few whole units
//   each step sends  one collective a unit where WholeModel sends one
//   needs            a declared model in which each of Types occurs
//   composes with    everything
//   choose another   BySize, when no type is the natural layer
//   shown by         examples/03_zero3.cpp
#pragma once

#include <type_traits>

#include <ashlar/concepts/wrap_policy.hpp>
#include <ashlar/model/visit.hpp>

namespace ashlar::wrap {

template <class... Types>
struct Each {
  static constexpr std::string_view name = "Each";
  using modules = named_modules<Types...>;

  template <class Model, class T>
  static consteval bool starts_unit() {
    return (std::is_same_v<T, Types> || ...);
  }

  // What does not occur, or is no module, would leave its parameters in the root, silently.
  template <class Model>
  static consteval bool applies() {
    return (occurs_below<Model, Types> && ...);
  }
};

static_assert(wrap_policy<Each<int>>);

}  // namespace ashlar::wrap
