// Zero3: parameters, gradients and optimizer state live as 1/N shards; a few units at a time are whole.
//
//   also known as    ZeRO-3, FSDP FULL_SHARD
//   each rank keeps  P/N parameters, G/N gradients, O/N optimizer state, room for the root and a few units
//   each step sends  all-gathers of 2P less root and last unit, one reduce-scatter of G, a micro-batch
//   needs            all_gather, reduce_scatter
//   composes with    every Precision, Offload, Wrap and Checkpoint
//   choose another   ShardGradOp or Zero2, when one whole copy of P fits
//   shown by         examples/03_zero3.cpp
#pragma once

#include <ashlar/concepts/shard_policy.hpp>

namespace ashlar::shard {

struct Zero3 {
  static constexpr std::string_view name = "Zero3";
  static constexpr auto parameters = placement::sharded;
  static constexpr auto gradients = placement::sharded;
  static constexpr auto optimizer = placement::sharded;
  static constexpr auto reshard_after = pass::forward;

  static auto unshard(Tensor& whole, const Tensor& shard, has_all_gather auto& comm) {
    return comm.all_gather(whole, shard);
  }
  static auto reduce(Tensor& part, Tensor& grad, has_reduce_scatter auto& comm) {
    return comm.reduce_scatter(part, grad);
  }
};

static_assert(shard_policy<Zero3>);

}  // namespace ashlar::shard
