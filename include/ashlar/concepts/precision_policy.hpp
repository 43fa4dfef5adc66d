// What a Precision policy must provide: the type of each tensor of a unit.
//
//   Fp32        float32 everywhere
//   Bf16Mixed   bfloat16 forward and backward, float32 master weights, reduction and optimizer state
//   Bf16Split   the same, with masters that are kept as what computes and the rest of their bits
//   Bf16Pure    bfloat16 everywhere
//
//   intuition   which type computes, which one remembers.
//   needs       name; compute (parameters in forward and backward, and what an all-gather sends);
//               reduce (gradients, and what a reduction sends);
//               master (what the optimizer updates, and its state).
//   may         splits_master (whether compute is the upper half of master and only the rest is kept beside).
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
concept names_compute = requires { &P::compute; } && detail::shared<decltype(&P::compute)> &&
                        requires { typename detail::constant<dtype, P::compute>; };

template <class P>
concept names_reduce = requires { &P::reduce; } && detail::shared<decltype(&P::reduce)> &&
                       requires { typename detail::constant<dtype, P::reduce>; };

template <class P>
concept names_master = requires { &P::master; } && detail::shared<decltype(&P::master)> &&
                       requires { typename detail::constant<dtype, P::master>; };

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

// What is split is a float32, and bfloat16 its upper half.
template <class P>
concept splits_float32 = !requires { P::splits_master; } || requires {
  requires detail::shared<decltype(&P::splits_master)>;
  typename detail::constant<bool, P::splits_master>;
  requires !P::splits_master || (P::compute == dtype::bf16 && P::master == dtype::f32);
};

template <class P>
inline constexpr bool splits_master = false;
template <class P>
  requires requires {
    requires detail::shared<decltype(&P::splits_master)>;
    typename detail::constant<bool, P::splits_master>;
  }
inline constexpr bool splits_master<P> = P::splits_master;

// Bytes an element that a master takes beside compute.
template <class P>
inline constexpr long master_bytes =
    P::master == P::compute ? 0 : bytes(P::master) - (splits_master<P> ? bytes(P::compute) : 0);

template <class P>
concept precision_policy = names_itself<P> && keeps_master<P> && reduces_for_master<P> && splits_float32<P>;

}  // namespace ashlar
