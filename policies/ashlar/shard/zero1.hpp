// Zero1: optimizer state lives as 1/N shards; each rank updates its part of the parameters.
//
//   also known as    ZeRO-1, optimizer state sharding
//   each rank keeps  P parameters, G gradients, O/N optimizer state
//   each step sends  one reduce-scatter of G, one all-gather of P
//   needs            reduce_scatter, all_gather
//   composes with    every Precision, Offload, Wrap and Checkpoint
//   choose another   Zero2, when gradients do not fit: it sends more only with several micro-batches
//   shown by         examples/02_one_word.cpp
#pragma once

#include <ashlar/concepts/shard_policy.hpp>

namespace ashlar::shard {

struct Zero1 {
  static constexpr std::string_view name = "Zero1";
  static constexpr auto parameters = placement::replicated;
  static constexpr auto gradients = placement::replicated;
  static constexpr auto optimizer = placement::sharded;
  static constexpr auto reshard_after = pass::backward;

  static auto reduce(Tensor& part, Tensor& grad, has_reduce_scatter auto& comm) {
    return comm.reduce_scatter(part, grad);
  }
  static auto publish(Tensor& whole, const Tensor& part, has_all_gather auto& comm) {
    return comm.all_gather(whole, part);
  }
};

static_assert(shard_policy<Zero1>);

}  // namespace ashlar::shard
