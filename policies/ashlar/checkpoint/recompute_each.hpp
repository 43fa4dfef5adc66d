// RecomputeEach<Types...>: modules of these types keep input and attention; backward runs forward again.
//
//   also known as    selective activation checkpointing by module class
//   each rank keeps  input and attention of a recomputed module, all activations of one, and of the others
//   each step sends  nothing more
//   needs            a declared model in which each of Types occurs, none of them inside another
//   composes with    everything: what is recomputed does not depend on what is a unit
//   choose another   Recompute, when whole layers fit the time: it keeps the least
//   shown by         examples/06_recompute.cpp
#pragma once

#include <type_traits>

#include <ashlar/concepts/checkpoint_policy.hpp>
#include <ashlar/model/visit.hpp>

namespace ashlar::checkpoint {

template <class... Types>
struct RecomputeEach {
  static constexpr std::string_view name = "RecomputeEach";
  using modules = named_modules<Types...>;

  template <class Model, class T>
  static consteval bool recomputes() {
    return (std::is_same_v<T, Types> || ...);
  }

  // What does not occur, or is no module, would keep all its activations, silently.
  template <class Model>
  static consteval bool applies() {
    return (occurs_below<Model, Types> && ...);
  }
};

static_assert(checkpoint_policy<RecomputeEach<int>>);

}  // namespace ashlar::checkpoint
