// None: every step is launched kernel by kernel.
//
//   also known as    eager mode
//   each rank keeps  nothing more
//   each step sends  nothing more
//   needs            nothing
//   composes with    everything
//   choose another   Graph, where the host cannot launch kernels as fast as the GPU runs them
//   shown by         examples/12_replay.cpp
#pragma once

#include <ashlar/concepts/replay_policy.hpp>

namespace ashlar::replay {

struct None {
  static constexpr std::string_view name = "None";
  static constexpr bool captures = false;
};

static_assert(replay_policy<None>);

}  // namespace ashlar::replay
