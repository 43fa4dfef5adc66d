// What a Precision policy must provide: the type of each tensor of a unit.
//
//   Fp32        float32 everywhere
//   Bf16Mixed   bfloat16 forward and backward, float32 master weights, reduction and optimizer state
//   Bf16Pure    bfloat16 everywhere
//
//   intuition   which type computes, which one remembers.
//   needs       name; compute (parameters in forward and backward, and what an all-gather sends);
//               reduce (gradients, and what a reduction sends);
//               master (what the optimizer updates, and its state).
//   laws        a compute value cast to master and back is what it was; gradients are reduced in the master
//               type (laws/precision.hpp checks them).
//   promises no memory of its own for a type: tensors of equal type and place are one (engine/flat.hpp).
#pragma once

#include <ashlar/concepts/shard_policy.hpp>

namespace ashlar {

enum class dtype { bf16, f32 };

constexpr long bytes(dtype type) {
  return type == dtype::bf16 ? 2 : 4;
}

template <class P>
concept names_types = requires {
  { P::compute } -> std::convertible_to<dtype>;
  { P::reduce } -> std::convertible_to<dtype>;
  { P::master } -> std::convertible_to<dtype>;
};

// The optimizer reads gradients of its own type, and never updates fewer bits than it computes with.
template <class P>
concept keeps_master = names_types<P> && P::reduce == P::master && bytes(P::compute) <= bytes(P::master);

template <class P>
concept precision_policy = names_itself<P> && keeps_master<P>;

}  // namespace ashlar
