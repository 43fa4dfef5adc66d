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

#include <ashlar/concepts/policy.hpp>

namespace ashlar {

enum class dtype { bf16, f32 };

constexpr long bytes(dtype type) {
  return type == dtype::bf16 ? 2 : 4;
}

template <class P>
concept names_compute = requires { typename detail::constant<dtype, P::compute>; };

template <class P>
concept names_reduce = requires { typename detail::constant<dtype, P::reduce>; };

template <class P>
concept names_master = requires { typename detail::constant<dtype, P::master>; };

template <class P>
concept names_types = names_compute<P> && names_reduce<P> && names_master<P>;

template <class P>
concept precision_like = names_itself<P> || names_compute<P> || names_reduce<P> || names_master<P>;

// Updates are added to at least as many bits as compute.
template <class P>
concept keeps_master = names_types<P> && bytes(P::compute) <= bytes(P::master);

// The optimizer reads gradients of its own type.
template <class P>
concept reduces_for_master = names_types<P> && P::reduce == P::master;

template <class P>
concept precision_policy = names_itself<P> && keeps_master<P> && reduces_for_master<P>;

}  // namespace ashlar
