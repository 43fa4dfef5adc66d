// Graph: a step on a batch is captured as one CUDA graph, collectives and update included, and then replayed.
//
//   also known as    CUDA graphs; torch.compile(mode="reduce-overhead"), for a whole step
//   each rank keeps  a batch, and the memory that a step takes from the graph's pool
//   each step sends  nothing more
//   needs            comm::Nccl and optim::AdamW, in a build with kernels; otherwise it changes nothing
//   composes with    everything
//   choose another   None, for a model whose forward decides on the host what it does
//   shown by         examples/12_replay.cpp
#pragma once

#include <ashlar/concepts/replay_policy.hpp>

namespace ashlar::replay {

struct Graph {
  static constexpr std::string_view name = "Graph";
  static constexpr bool captures = true;
};

static_assert(replay_policy<Graph>);

}  // namespace ashlar::replay
