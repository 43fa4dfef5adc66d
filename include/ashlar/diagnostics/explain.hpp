// explain: the first broken rule, in one sentence that says what to write instead, under a stable id.
#pragma once

#include <ashlar/concepts/composable.hpp>
#include <ashlar/concepts/optimizer.hpp>

namespace ashlar {

template <class Shard>
consteval bool explain_shard() {
  if constexpr (!names_itself<Shard>)
    static_assert(names_itself<Shard>,
                  "[ashlar.shard.1] the first argument of Trainer is a Shard policy, which has a "
                  "name: write shard::Zero3, or another of ashlar/shard");
  else if constexpr (!placed<Shard>)
    static_assert(placed<Shard>,
                  "[ashlar.shard.2] the first argument of Trainer is a Shard policy, which has parameters, "
                  "gradients and optimizer (placement::...) and reshard_after (pass::...): write these four "
                  "constants, or shard::Zero3");
  else if constexpr (!sensible_placement<Shard>)
    static_assert(
        sensible_placement<Shard>,
        "[ashlar.shard.3] sharded parameters need sharded gradients, and sharded gradients a sharded "
        "optimizer: write placement::sharded for what follows, too");
  else if constexpr (!reduces<Shard, CommunicatorArchetype>)
    static_assert(
        reduces<Shard, CommunicatorArchetype>,
        "[ashlar.shard.4] a Shard policy reduces gradients: write static auto reduce(Tensor& part, Tensor& "
        "grad, comm), which returns the communicator's Work");
  else if constexpr (!unshards<Shard, CommunicatorArchetype>)
    static_assert(
        unshards<Shard, CommunicatorArchetype>,
        "[ashlar.shard.5] a Shard policy with sharded parameters makes them whole: write static auto "
        "unshard(Tensor& whole, const Tensor& shard, comm), which returns the communicator's Work");
  else if constexpr (!publishes<Shard, CommunicatorArchetype>)
    static_assert(
        publishes<Shard, CommunicatorArchetype>,
        "[ashlar.shard.6] a Shard policy with whole parameters and a sharded optimizer sends updates: write "
        "static auto publish(Tensor& whole, const Tensor& part, comm), which returns the communicator's "
        "Work");
  return true;
}

template <class Precision>
consteval bool explain_precision() {
  if constexpr (!names_itself<Precision> || !names_types<Precision>)
    static_assert(
        names_types<Precision> && names_itself<Precision>,
        "[ashlar.precision.1] the second argument of Trainer is a Precision policy, which has name, compute, "
        "reduce and master: write precision::Fp32, or another of ashlar/precision");
  else if constexpr (!keeps_master<Precision>)
    static_assert(
        keeps_master<Precision>,
        "[ashlar.precision.2] gradients are reduced in the master type, which is at least as wide as the "
        "compute type: write reduce = master, and compute no wider");
  return true;
}

template <class Shard, class Precision, class Offload, class Wrap, class Checkpoint>
consteval bool explain() {
  if constexpr (!shard_policy<Shard>)
    return explain_shard<Shard>();
  else if constexpr (!precision_policy<Precision>)
    return explain_precision<Precision>();
  else if constexpr (!offload_policy<Offload>)
    static_assert(offload_policy<Offload>,
                  "[ashlar.offload.1] the third argument of Trainer is an Offload policy, which has name and "
                  "optimizer: write offload::None");
  else if constexpr (!wrap_policy<Wrap>)
    static_assert(
        wrap_policy<Wrap>,
        "[ashlar.wrap.1] the fourth argument of Trainer is a Wrap policy, which has name, starts_unit<Model, "
        "T>() and applies<Model>(): write wrap::Each<Block>, or another of ashlar/wrap");
  else if constexpr (!checkpoint_policy<Checkpoint>)
    static_assert(
        checkpoint_policy<Checkpoint>,
        "[ashlar.checkpoint.1] the fifth argument of Trainer is a Checkpoint policy, which has name, "
        "recomputes<Model, T>() and applies<Model>(): write checkpoint::None or checkpoint::Recompute");
  else
    static_assert(composable<Shard, Precision, Offload, Wrap, Checkpoint>,
                  "a rule of composable has no sentence");
  return true;
}

// What a strategy asks of the model that it plans for, and of the communicator and the optimizer that it is
// made with: the conjunctions of what explain_model and explain_use explain, in their order.
template <class Strategy, class Model>
concept plannable =
    model<Model> && declares_known_members<Model> && wraps<typename Strategy::Wrap, Model> &&
    keeps_ties_together<typename Strategy::Wrap, Model> && checkpoints<typename Strategy::Checkpoint, Model>;

template <class Strategy, class Model, class Comm, class Optimizer>
concept usable = plannable<Strategy, Model> && serves<Comm, typename Strategy::Shard> && optimizer<Optimizer>;

template <class Strategy, class Model>
consteval bool explain_model() {
  using Wrap = typename Strategy::Wrap;
  using Checkpoint = typename Strategy::Checkpoint;
  if constexpr (!model<Model>)
    static_assert(model<Model>,
                  "[ashlar.model.3] a model declares its members with BOOST_HANA_DEFINE_STRUCT, or is a "
                  "torch::nn module by holder or shared_ptr: write one of the two");
  else if constexpr (!declares_known_members<Model>)
    static_assert(declares_known_members<Model>,
                  "[ashlar.model.1] a declared member must be a Parameter, a Buffer, a module, a list of "
                  "modules or Tied: declare only these with BOOST_HANA_DEFINE_STRUCT");
  else if constexpr (!wraps<Wrap, Model>)
    static_assert(
        wraps<Wrap, Model>,
        "[ashlar.wrap.2] each type of wrap::Each must be a module that occurs in the model, and wrap::BySize "
        "needs its static shapes: write a type that occurs, or wrap::WholeModel");
  else if constexpr (!keeps_ties_together<Wrap, Model>)
    static_assert(
        keeps_ties_together<Wrap, Model>,
        "[ashlar.wrap.3] a unit holds parameters that are tied to a module outside of it, where they would "
        "be used after the unit gave them back: leave the owner's type out of wrap::Each");
  else if constexpr (!checkpoints<Checkpoint, Model>)
    static_assert(
        checkpoints<Checkpoint, Model>,
        "[ashlar.checkpoint.2] checkpoint::Recompute recomputes repeated layers and the model has none: "
        "declare them as std::array<Layer, n>, or write checkpoint::None");
  else
    static_assert(plannable<Strategy, Model>, "a rule of plannable has no sentence");
  return true;
}

template <class Strategy, class Model, class Comm, class Optimizer>
consteval bool explain_use() {
  using Shard = typename Strategy::Shard;
  if constexpr (!plannable<Strategy, Model>)
    return explain_model<Strategy, Model>();
  else if constexpr (!serves<Comm, Shard>)
    static_assert(serves<Comm, Shard>,
                  "[ashlar.shard.7] the communicator lacks a collective that the Shard policy, or every "
                  "trainer, calls: "
                  "write comm::Mpi, comm::Nccl or comm::Solo, or a Shard policy that needs less");
  else if constexpr (!optimizer<Optimizer>)
    static_assert(optimizer<Optimizer>,
                  "[ashlar.optim.1] an optimizer has name, states, learning_rate and update(): "
                  "write optim::AdamW or optim::Sgd");
  else
    static_assert(usable<Strategy, Model, Comm, Optimizer>, "a rule of usable has no sentence");
  return true;
}

// What run() is given for a unit or a recomputed layer.
template <class... Inputs>
consteval bool explain_inputs() {
  static_assert(tensors_only<Inputs...>,
                "[ashlar.model.4] a unit or recomputed layer takes tensors only: give other arguments to its "
                "constructor, or wrap another type");
  return true;
}

}  // namespace ashlar
