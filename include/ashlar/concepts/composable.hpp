// The rules that policies, models and communicators must keep together: one named concept each, and no text.
// diagnostics/explain.hpp has the sentence for each.
#pragma once

#include <ashlar/concepts/checkpoint_policy.hpp>
#include <ashlar/concepts/offload_policy.hpp>
#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/concepts/shard_policy.hpp>
#include <ashlar/concepts/wrap_policy.hpp>
#include <ashlar/model/visit.hpp>

namespace ashlar {

// Five policies, each in its slot.
template <class Shard, class Precision, class Offload, class Wrap, class Checkpoint>
concept composable = shard_policy<Shard> && precision_policy<Precision> && offload_policy<Offload> &&
                     wrap_policy<Wrap> && checkpoint_policy<Checkpoint>;

template <class M>
concept model = declared_module<M> || torch_module<M>;

namespace detail {
template <class T>
concept declarable = parameter<T> || buffer<T> || tied<T> || declared_module<T> || torch_module<T>;
}  // namespace detail

// Every walk over the model meets all that it declares: a std::vector of layers, say, would be passed by.
template <class Model>
concept declares_known_members = !any_type<Model>([]<class T>() {
  if constexpr (layer_list<T>)
    return !detail::declarable<typename T::value_type>;
  else
    return !detail::declarable<T>;
});

template <class Wrap, class Model>
concept wraps = Wrap::template applies<Model>();

template <class Checkpoint, class Model>
concept checkpoints = Checkpoint::template applies<Model>();

// Tied parameters are whole wherever they are used: no unit holds an owner without all that is tied to it.
template <class Wrap, class Model>
concept keeps_ties_together = !any_type<Model>([]<class U>() {
  if constexpr (Wrap::template starts_unit<Model, U>() && !std::is_same_v<U, Model>)
    return any_type<Model>([]<class T>() {
      if constexpr (tied<T>)
        return contains<U, typename T::tied_owner> && !contains<U, T>;
      else
        return false;
    });
  else
    return false;
});

// What a unit or a recomputed layer is called with: autograd keeps nothing else from forward to backward.
template <class... Inputs>
concept tensors_only = (std::is_same_v<Inputs, Tensor> && ...);

// The communicator has every collective that the Shard policy calls, and those that every trainer calls.
template <class Comm, class Shard>
concept serves =
    trainer_communicator<Comm> && reduces<Shard, Comm> && unshards<Shard, Comm> && publishes<Shard, Comm>;

}  // namespace ashlar
