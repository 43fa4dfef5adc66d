// None: every shard rests on the device that computes.
//
//   also known as    no offload
//   each rank keeps  what its Shard and Precision say, on the device
//   each step sends  nothing to the host
//   needs            nothing
//   composes with    everything
//   choose another   OptimizerToHost, when master weights and optimizer state do not fit on the device
//   shown by         examples/01_one_process.cpp
#pragma once

#include <ashlar/concepts/offload_policy.hpp>

namespace ashlar::offload {

struct None {
  static constexpr std::string_view name = "None";
  static constexpr auto optimizer = memory::device;
};

static_assert(offload_policy<None>);

}  // namespace ashlar::offload
