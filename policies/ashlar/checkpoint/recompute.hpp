// Recompute: repeated layers keep inputs and attention only; backward runs their forward again.
//
//   also known as    activation checkpointing, gradient checkpointing
//   each rank keeps  input and attention of a repeated layer, and all activations of one layer at a time
//   each step sends  nothing more
//   needs            a declared model with a list of layers
//   composes with    everything: what is recomputed does not depend on what is a unit
//   choose another   None, when activations fit: it saves a third of the forward and backward arithmetic
//   shown by         examples/06_recompute.cpp
#pragma once

#include <ashlar/concepts/checkpoint_policy.hpp>
#include <ashlar/model/visit.hpp>

namespace ashlar::checkpoint {

struct Recompute {
  static constexpr std::string_view name = "Recompute";

  template <class Model, class T>
  static consteval bool recomputes() {
    return repeats<Model, T>();
  }

  template <class Model>
  static consteval bool applies() {
    return any_type<Model>([]<class T>() { return lists_modules<T>; });
  }
};

static_assert(checkpoint_policy<Recompute>);

}  // namespace ashlar::checkpoint
