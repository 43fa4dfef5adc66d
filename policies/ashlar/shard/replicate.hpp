// Replicate: every rank keeps everything; gradients are summed over the ranks.
//
//   also known as    DDP, FSDP NO_SHARD, ZeRO-0
//   each rank keeps  P parameters, G gradients, O optimizer state
//   each step sends  one all-reduce of G
//   needs            all_reduce
//   composes with    every Precision, Offload, Wrap and Checkpoint
//   choose another   Zero1, when optimizer state does not fit: it sends the same bytes
//   shown by         examples/01_one_process.cpp
#pragma once

#include <ashlar/concepts/shard_policy.hpp>

namespace ashlar::shard {

struct Replicate {
  static constexpr std::string_view name = "Replicate";
  static constexpr auto parameters = placement::replicated;
  static constexpr auto gradients = placement::replicated;
  static constexpr auto optimizer = placement::replicated;
  static constexpr auto reshard_after = pass::backward;

  static auto reduce(Tensor&, Tensor& grad, has_all_reduce auto& comm) { return comm.all_reduce(grad); }
};

static_assert(shard_policy<Replicate>);

}  // namespace ashlar::shard
