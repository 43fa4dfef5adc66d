// Zero2: gradients and optimizer state live as 1/N shards; gradients are whole a few units at a time.
//
//   also known as    ZeRO-2
//   each rank keeps  P parameters, G/N gradients, O/N optimizer state, room for a few units' whole gradients
//   each step sends  one reduce-scatter of G a micro-batch, one all-gather of P
//   needs            reduce_scatter, all_gather
//   composes with    every Precision, Offload, Wrap and Checkpoint
//   choose another   Zero3, when parameters do not fit either
//   shown by         examples/02_one_word.cpp
#pragma once

#include <ashlar/concepts/shard_policy.hpp>

namespace ashlar::shard {

struct Zero2 {
  static constexpr std::string_view name = "Zero2";
  static constexpr auto parameters = placement::replicated;
  static constexpr auto gradients = placement::sharded;
  static constexpr auto optimizer = placement::sharded;
  static constexpr auto reshard_after = pass::backward;

  static auto reduce(Tensor& part, Tensor& grad, has_reduce_scatter auto& comm) {
    return comm.reduce_scatter(part, grad);
  }
  static auto publish(Tensor& whole, const Tensor& part, has_all_gather auto& comm) {
    return comm.all_gather(whole, part);
  }
};

static_assert(shard_policy<Zero2>);

}  // namespace ashlar::shard
