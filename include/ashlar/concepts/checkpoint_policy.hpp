// What a Checkpoint policy must provide: which activations survive from forward to backward.
//
//   None                      all of them
//   Recompute                 of repeated layers inputs and attention; backward runs their forward again
//   RecomputeEach<Types...>   of every module of these types inputs and attention
//
//   needs  name; recomputes<Model, T>(): whether the forward of a T below Model runs twice;
//          applies<Model>(): whether the policy can be honoured for this model at all;
//          modules, where it names types: each once, and each that of a module below the model.
//   laws   gradients are bit-equal to None's, whatever is kept, where kernels are deterministic: the random
//          state is restored, too (laws/checkpoint.hpp checks it).
//   promises no autograd in the first forward of what is recomputed: a module that asks at::GradMode whether
//            it trains gets another answer in the second, and its gradients are wrong.
#pragma once

#include <ashlar/concepts/wrap_policy.hpp>

namespace ashlar {

template <class C>
concept says_what_is_recomputed = requires {
  { C::template recomputes<int, int>() } -> std::same_as<bool>;
};

template <class C>
concept checkpoint_like = names_itself<C> || says_what_is_recomputed<C>;

template <class C>
concept checkpoint_policy = names_itself<C> && says_what_is_recomputed<C> && says_where_it_applies<C>;

}  // namespace ashlar
