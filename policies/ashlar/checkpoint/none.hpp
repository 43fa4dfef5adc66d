// None: every activation that backward needs is kept.
//
//   also known as    no activation checkpointing
//   each rank keeps  all activations of a micro-batch
//   each step sends  nothing more
//   needs            nothing
//   composes with    everything
//   choose another   Recompute, when activations do not fit
//   shown by         examples/01_one_process.cpp
#pragma once

#include <ashlar/concepts/checkpoint_policy.hpp>

namespace ashlar::checkpoint {

struct None {
  static constexpr std::string_view name = "None";

  template <class Model, class T>
  static consteval bool recomputes() {
    return false;
  }

  template <class Model>
  static consteval bool applies() {
    return true;
  }
};

static_assert(checkpoint_policy<None>);

}  // namespace ashlar::checkpoint
