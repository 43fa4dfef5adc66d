// WholeModel: the model is one unit.
//
//   also known as    FSDP without an auto-wrap policy
//   each rank keeps  under Zero3 room for the whole model
//   each step sends  the fewest and largest collectives, and none that hides behind compute
//   needs            nothing, an ordinary torch::nn module included
//   composes with    everything
//   choose another   Each<Block>, to gather and free one layer at a time
//   shown by         examples/01_one_process.cpp
#pragma once

#include <ashlar/concepts/wrap_policy.hpp>

namespace ashlar::wrap {

struct WholeModel {
  static constexpr std::string_view name = "WholeModel";

  template <class Model, class T>
  static consteval bool starts_unit() {
    return false;
  }

  template <class Model>
  static consteval bool applies() {
    return true;
  }
};

static_assert(wrap_policy<WholeModel>);

}  // namespace ashlar::wrap
