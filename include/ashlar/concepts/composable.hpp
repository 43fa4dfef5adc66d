// The rules that policies, models and communicators must keep together: one named concept each, and no text.
// diagnostics/ has the sentence for each.
#pragma once

#include <ashlar/concepts/checkpoint_policy.hpp>
#include <ashlar/concepts/offload_policy.hpp>
#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/concepts/replay_policy.hpp>
#include <ashlar/concepts/shard_policy.hpp>
#include <ashlar/concepts/wrap_policy.hpp>
#include <ashlar/model/fits.hpp>
#include <ashlar/model/undeclared.hpp>
#include <ashlar/model/visit.hpp>

namespace ashlar {

// Policies among themselves.

namespace detail {
// Stands in a slot of Trainer that was left empty.
struct Missing {};
template <class P>
concept given = !std::is_same_v<P, Missing>;
}  // namespace detail

// A policy of any axis.
template <class P>
concept some_policy = shard_policy<P> || precision_policy<P> || offload_policy<P> || wrap_policy<P> ||
                      checkpoint_policy<P> || replay_policy<P>;

// It stands in the slot of its own axis, or is a policy of none yet.
template <class P, bool own>
concept in_slot = own || !some_policy<P>;

// A policy that names modules names at least one, and none twice.
template <class P>
concept names_some_module = !names_modules<P> || !std::is_same_v<typename P::modules, named_modules<>>;

namespace detail {
template <class T, class... Types>
inline constexpr int times = (std::is_same_v<T, Types> + ... + 0);
template <class P>
inline constexpr bool distinct = true;
template <class... Types>
inline constexpr bool distinct<named_modules<Types...>> = ((times<Types, Types...> == 1) && ...);
}  // namespace detail

template <class P>
concept names_modules_once = !names_modules<P> || detail::distinct<typename P::modules>;

// A policy that names a size names one that some modules do not have.
template <class P>
concept names_positive_size =
    !requires { P::least_bytes; } ||
    (
        requires { &P::least_bytes; } && detail::shared<decltype(&P::least_bytes)> &&
        requires { typename detail::constant<long, P::least_bytes>; } && P::least_bytes > 0);

// Only a shard of optimizer state rests on the host: its update is this rank's alone.
template <class Offload, class Shard>
concept offloads_a_shard = Offload::optimizer == memory::device || Shard::optimizer == placement::sharded;

// Five policies, each in its slot. A sixth, of the Replay axis, goes with any of them.
template <class Shard, class Precision, class Offload, class Wrap, class Checkpoint>
concept composable =
    shard_policy<Shard> && precision_policy<Precision> && offload_policy<Offload> && wrap_policy<Wrap> &&
    names_some_module<Wrap> && names_modules_once<Wrap> && names_positive_size<Wrap> &&
    checkpoint_policy<Checkpoint> && names_some_module<Checkpoint> && names_modules_once<Checkpoint> &&
    offloads_a_shard<Offload, Shard>;

// What composes: a Trainer that is not refused.
template <class S>
concept strategy = requires {
  requires composable<typename S::Shard, typename S::Precision, typename S::Offload, typename S::Wrap,
                      typename S::Checkpoint>;
};

// A Trainer that is refused, and has said why.
template <class S>
concept refused = requires { requires S::refused; };

// Policies and a model.

template <class M>
concept model = declared_module<M> || torch_module<M>;

namespace detail {
template <class T>
concept declarable = parameter<T> || buffer<T> || tied<T> || declared_module<T> || torch_module<T>;

// Whether T has what BOOST_HANA_DEFINE_STRUCT declares, public or not. In Both a name that T has, too, is
// ambiguous.
struct Accessors {
  struct hana_accessors_impl;
};
template <class T>
inline constexpr bool declares_members = false;
template <class T>
  requires std::is_class_v<T> && (!std::is_final_v<T>)
inline constexpr bool declares_members<T> = !requires {
  typename Both<std::remove_const_t<T>, Accessors>::hana_accessors_impl;
};
template <class Owner>
concept holds_nothing_to_tie = parameter<Owner> || buffer<Owner> || tied<Owner>;
}  // namespace detail

// Whoever runs a model sees what its modules declare.
template <class Model>
concept declares_members_publicly = !any_type<Model>([]<class T>() {
  if constexpr (layer_list<T> || detail::declarable<T>)
    return false;
  else
    return detail::declares_members<T>;
});

// Every walk over the model meets all that it declares: a std::vector of layers, say, would be passed by.
template <class Model>
concept declares_known_members = !any_type<Model>([]<class T>() {
  if constexpr (layer_list<T>)
    return !layer_list<typename T::value_type> && !detail::declarable<typename T::value_type>;
  else
    return !detail::declarable<T>;
});

// None of it is const: whoever runs a model points its parameters at tensors.
template <class Model>
concept declares_no_constants = !any_type<Model>([]<class T>() {
  if constexpr (layer_list<T>)
    return std::is_const_v<typename T::value_type>;
  else if constexpr (declared_module<T>)
    return detail::Members<std::remove_const_t<T>>::constant;
  else
    return false;
});

// And meets all that holds tensors: what is not declared would be lent none, and never be trained.
template <class Model>
concept declares_all_that_holds_tensors = !any_type<Model>([]<class T>() { return hides_tensors<T>; });

// Every tensor has elements.
template <class Model>
concept has_positive_sizes = !any_type<Model>([]<class T>() {
  if constexpr (parameter<T> || buffer<T>)
    for (const long size : T::shape)
      if (size < 1) return true;
  return false;
});

// And some of them are parameters: otherwise nothing is sharded, reduced or updated.
template <class Model>
concept has_parameters = holds_parameters<Model>;

// And is not held fixed, all of it.
template <class Model>
concept has_trained_parameters = holds_trained_parameters<Model>;

// Frozen holds what would be trained otherwise.
template <class Model>
concept freezes_parameters = !any_type<Model>([]<class T>() {
  if constexpr (frozen<T>)
    return buffer<typename T::frozen_module> || tied<typename T::frozen_module>;
  else
    return false;
});

// A tied reference stands for a module, or a list of them. A Parameter or a Buffer is read by its module
// alone.
template <class Model>
concept ties_name_modules = !any_type<Model>([]<class T>() {
  if constexpr (tied<T>)
    return detail::holds_nothing_to_tie<typename T::tied_owner>;
  else
    return false;
});

// It can be pointed at one module only.
template <class Model>
concept ties_have_one_owner = !any_type<Model>([]<class T>() {
  if constexpr (tied<T>)
    return !occurs_once<Model, typename T::tied_owner>;
  else
    return false;
});

// The verbs that answer for a model are asked by the compiler.
template <class Wrap, class Model>
concept wraps_at_compile_time = requires {
  typename std::bool_constant<Wrap::template starts_unit<Model, Model>()>;
  typename std::bool_constant<Wrap::template applies<Model>()>;
};

template <class Checkpoint, class Model>
concept checkpoints_at_compile_time = requires {
  typename std::bool_constant<Checkpoint::template recomputes<Model, Model>()>;
  typename std::bool_constant<Checkpoint::template applies<Model>()>;
};

template <class Wrap, class Model>
concept wraps = Wrap::template applies<Model>();

template <class Checkpoint, class Model>
concept checkpoints = Checkpoint::template applies<Model>();

namespace detail {
template <class Wrap, class Model, class U>
concept inner_unit =
    declared_module<U> && !std::is_same_v<U, Model> && Wrap::template starts_unit<Model, U>();
}  // namespace detail

// A policy that names a size names one that some module below the model has.
template <class Wrap, class Model>
concept makes_some_unit = !requires { Wrap::least_bytes; } ||
                          any_type<Model>([]<class U>() { return detail::inner_unit<Wrap, Model, U>; });

// There is something to gather, reduce and free: a unit holds parameters, though units in it may hold them.
template <class Wrap, class Model>
concept units_hold_parameters = !any_type<Model>([]<class U>() {
  if constexpr (detail::inner_unit<Wrap, Model, U>)
    return !holds_parameters<U>;
  else
    return false;
});

// Tied parameters are whole wherever they are used: no unit holds an owner, or a part of one, without all
// that is tied to it.
template <class Wrap, class Model>
concept keeps_ties_together = !any_type<Model>([]<class U>() {
  if constexpr (detail::inner_unit<Wrap, Model, U>)
    return tied_elsewhere<Model, U>;
  else
    return false;
});

// A layer that backward runs again is not run again inside another.
template <class Checkpoint, class Model>
concept recomputes_once = !any_type<Model>([]<class Outer>() {
  if constexpr (declared_module<Outer> && !std::is_same_v<Outer, Model>)
    return Checkpoint::template recomputes<Model, Outer>() && any_type<Outer>([]<class Inner>() {
             if constexpr (model<Inner> && !std::is_same_v<Inner, Outer>)
               return Checkpoint::template recomputes<Model, Inner>();
             else
               return false;
           });
  else
    return false;
});

// What every strategy asks of a model.
template <class Model>
concept trainable = declares_members_publicly<Model> && model<Model> && declares_known_members<Model> &&
                    declares_no_constants<Model> && declares_all_that_holds_tensors<Model> &&
                    has_positive_sizes<Model> && freezes_parameters<Model> && has_parameters<Model> &&
                    has_trained_parameters<Model> && ties_name_modules<Model> && ties_have_one_owner<Model>;

// Made without arguments.
template <class Model>
concept starts_by_itself = requires { Model{}; };

// What a Wrap and a Checkpoint policy ask of it.
template <class Wrap, class Model>
concept wrappable =
    wraps_at_compile_time<Wrap, Model> && wraps<Wrap, Model> && makes_some_unit<Wrap, Model> &&
    units_hold_parameters<Wrap, Model> && keeps_ties_together<Wrap, Model>;

template <class Checkpoint, class Model>
concept checkpointable = checkpoints_at_compile_time<Checkpoint, Model> && checkpoints<Checkpoint, Model> &&
                         recomputes_once<Checkpoint, Model>;

// What a strategy asks of the model that it plans for.
template <class Strategy, class Model>
concept plannable = strategy<Strategy> && trainable<Model> && wrappable<typename Strategy::Wrap, Model> &&
                    checkpointable<typename Strategy::Checkpoint, Model>;

// What a unit or a recomputed layer is called with: autograd keeps nothing else from forward to backward.
template <class... Inputs>
concept tensors_only = (std::is_same_v<Inputs, Tensor> && ...);

// A model and a batch.

// The model's loss takes a batch, which is asked of its signature alone, and returns what is minimised:
// `Result` is what a call returned.
template <class M, class Run, class Result = Tensor, class X = Tensor>
concept loss_is_one = loss_fits<M, Run, X> && std::is_same_v<std::remove_cvref_t<Result>, X>;

// An objective is called with (run, i), with (run) or with nothing, and returns what is minimised.
template <class F, class Run>
concept objective_fits = call_fits<F, Run, int> || call_fits<F, Run> || call_fits<F>;

template <class F, class Run, class Result = Tensor>
concept objective_is_one = objective_fits<F, Run> && std::is_same_v<std::remove_cvref_t<Result>, Tensor>;

// Policies and a communicator.

// The communicator's world has as many dimensions as the Shard policy shards over.
template <class Comm, class Shard>
concept spans = dimensions_of<Comm> >= dimensions_of<Shard>;

// It has every collective that the Shard policy calls.
template <class Comm, class Shard>
concept serves_verbs = reduces<Shard, Comm> && unshards<Shard, Comm> && publishes<Shard, Comm>;

// And those that every trainer calls.
template <class Comm, class Shard>
concept serves =
    trainer_communicator<Comm> && counts_dimensions<Comm> && spans<Comm, Shard> && serves_verbs<Comm, Shard>;

}  // namespace ashlar
