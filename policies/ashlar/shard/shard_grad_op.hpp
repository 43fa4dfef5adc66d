// ShardGradOp: all rests as 1/N shards; parameters are whole from the first forward to the last backward.
//
//   also known as    FSDP SHARD_GRAD_OP
//   each rank keeps  P/N parameters, G/N gradients, O/N optimizer state, room for P and some gradients
//   each step sends  one all-gather of P, one reduce-scatter of G a micro-batch
//   needs            all_gather, reduce_scatter
//   composes with    every Precision, Offload, Wrap and Checkpoint
//   choose another   Zero3, when a whole copy of P does not fit while a step runs
//   shown by         examples/02_one_word.cpp
#pragma once

#include <ashlar/concepts/shard_policy.hpp>

namespace ashlar::shard {

struct ShardGradOp {
  static constexpr std::string_view name = "ShardGradOp";
  static constexpr auto parameters = placement::sharded;
  static constexpr auto gradients = placement::sharded;
  static constexpr auto optimizer = placement::sharded;
  static constexpr auto reshard_after = pass::backward;

  static auto unshard(Tensor& whole, const Tensor& shard, has_all_gather auto& comm) {
    return comm.all_gather(whole, shard);
  }
  static auto reduce(Tensor& part, Tensor& grad, has_reduce_scatter auto& comm) {
    return comm.reduce_scatter(part, grad);
  }
};

static_assert(shard_policy<ShardGradOp>);

}  // namespace ashlar::shard
