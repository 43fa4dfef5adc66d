// Of one policy in its slot of Trainer: the first broken rule, in one sentence that says what to write
// instead, under a stable id. What has nothing of a slot's axis is told what the axis asks for; what has
// something of it, what is missing.
#pragma once

#include <ashlar/concepts/composable.hpp>

namespace ashlar {

template <class Shard>
consteval bool explain_shard() {
  if constexpr (!in_slot<Shard, shard_policy<Shard>>)
    static_assert(
        in_slot<Shard, shard_policy<Shard>>,
        "[ashlar.trainer.1] the first slot of Trainer is for a Shard policy, and a policy of another axis "
        "stands there: write Trainer<Shard, Precision, Offload, Wrap, Checkpoint> in this order");
  else if constexpr (!names_itself<Shard>)
    static_assert(names_itself<Shard>,
                  "[ashlar.shard.1] the first argument of Trainer is a Shard policy, which has a name: write "
                  "shard::Zero3, or another of ashlar/shard");
  else if constexpr (!shard_like<Shard>)
    static_assert(shard_like<Shard>,
                  "[ashlar.shard.2] the first argument of Trainer is a Shard policy, which has parameters, "
                  "gradients and optimizer (placement::...) and reshard_after (pass::...): write these four "
                  "constants, or shard::Zero3");
  else if constexpr (!places_parameters<Shard>)
    static_assert(places_parameters<Shard>,
                  "[ashlar.shard.8] a Shard policy places parameters: write static constexpr auto parameters "
                  "= placement::sharded, or placement::replicated");
  else if constexpr (!places_gradients<Shard>)
    static_assert(places_gradients<Shard>,
                  "[ashlar.shard.9] a Shard policy places gradients: write static constexpr auto gradients = "
                  "placement::sharded, or placement::replicated");
  else if constexpr (!places_optimizer<Shard>)
    static_assert(places_optimizer<Shard>,
                  "[ashlar.shard.10] a Shard policy places optimizer state: write static constexpr auto "
                  "optimizer = placement::sharded, or placement::replicated");
  else if constexpr (!says_when_to_reshard<Shard>)
    static_assert(says_when_to_reshard<Shard>,
                  "[ashlar.shard.11] a Shard policy says when whole parameters are given back: write static "
                  "constexpr auto reshard_after = pass::forward, or pass::backward");
  else if constexpr (!sensible_placement<Shard>)
    static_assert(sensible_placement<Shard>,
                  "[ashlar.shard.3] sharded parameters need sharded gradients, and sharded gradients a "
                  "sharded optimizer: write placement::sharded for what follows, too");
  else if constexpr (!reshards_what_is_sharded<Shard>)
    static_assert(reshards_what_is_sharded<Shard>,
                  "[ashlar.shard.12] replicated parameters are never given back: write reshard_after = "
                  "pass::backward, or parameters = placement::sharded");
  else if constexpr (!prefetches_some_units<Shard>)
    static_assert(prefetches_some_units<Shard>,
                  "[ashlar.shard.14] a Shard policy says how many units are gathered ahead: write static "
                  "constexpr int prefetch = 1, or 0 for none");
  else if constexpr (!counts_dimensions<Shard>)
    static_assert(
        counts_dimensions<Shard>,
        "[ashlar.shard.15] a Shard policy says over how many dimensions of the world it shards: write "
        "static constexpr int dimensions = 1 or more, or leave it out");
  else if constexpr (!reduces<Shard, CommunicatorArchetype>)
    static_assert(reduces<Shard, CommunicatorArchetype>,
                  "[ashlar.shard.4] a Shard policy reduces gradients: write static auto reduce(Tensor& part, "
                  "Tensor& grad, comm), which returns the communicator's Work");
  else if constexpr (!unshards<Shard, CommunicatorArchetype>)
    static_assert(
        unshards<Shard, CommunicatorArchetype>,
        "[ashlar.shard.5] a Shard policy with sharded parameters makes them whole: write static auto "
        "unshard(Tensor& whole, const Tensor& shard, comm), which returns the communicator's Work");
  else if constexpr (!publishes<Shard, CommunicatorArchetype>)
    static_assert(publishes<Shard, CommunicatorArchetype>,
                  "[ashlar.shard.6] a Shard policy with whole parameters and a sharded optimizer sends "
                  "updates: write static auto publish(Tensor& whole, const Tensor& part, comm), which "
                  "returns the communicator's Work");
  return true;
}

template <class Precision>
consteval bool explain_precision() {
  if constexpr (!in_slot<Precision, precision_policy<Precision>>)
    static_assert(
        in_slot<Precision, precision_policy<Precision>>,
        "[ashlar.trainer.2] the second slot of Trainer is for a Precision policy, and a policy of another "
        "axis stands there: write Trainer<Shard, Precision, Offload, Wrap, Checkpoint> in this order");
  else if constexpr (!precision_like<Precision>)
    static_assert(precision_like<Precision>,
                  "[ashlar.precision.1] the second argument of Trainer is a Precision policy, which has "
                  "name, compute, reduce and master: write precision::Fp32, or another of ashlar/precision");
  else if constexpr (!names_itself<Precision>)
    static_assert(
        names_itself<Precision>,
        "[ashlar.precision.3] a Precision policy has a name: write static constexpr std::string_view name");
  else if constexpr (!names_compute<Precision>)
    static_assert(names_compute<Precision>,
                  "[ashlar.precision.4] a Precision policy says what forward and backward compute in: write "
                  "static constexpr auto compute = dtype::bf16, or dtype::f32");
  else if constexpr (!names_reduce<Precision>)
    static_assert(names_reduce<Precision>,
                  "[ashlar.precision.5] a Precision policy says what gradients are reduced in: write static "
                  "constexpr auto reduce = dtype::f32, or dtype::bf16");
  else if constexpr (!names_master<Precision>)
    static_assert(names_master<Precision>,
                  "[ashlar.precision.6] a Precision policy says what the optimizer updates: write static "
                  "constexpr auto master = dtype::f32, or dtype::bf16");
  else if constexpr (!keeps_master<Precision>)
    static_assert(keeps_master<Precision>,
                  "[ashlar.precision.7] master weights are narrower than what computes, so that updates "
                  "would lose bits: write master = dtype::f32, or compute = dtype::bf16");
  else if constexpr (!reduces_for_master<Precision>)
    static_assert(reduces_for_master<Precision>,
                  "[ashlar.precision.2] gradients are reduced in the master type, which the optimizer reads: "
                  "write reduce = master");
  else if constexpr (!splits_float32<Precision>)
    static_assert(
        splits_float32<Precision>,
        "[ashlar.precision.8] a Precision policy that splits its master computes with the upper half "
        "of a float32: write static constexpr bool splits_master = true where compute = dtype::bf16 "
        "and master = dtype::f32, or leave it out");
  return true;
}

template <class Offload>
consteval bool explain_offload() {
  if constexpr (!in_slot<Offload, offload_policy<Offload>>)
    static_assert(
        in_slot<Offload, offload_policy<Offload>>,
        "[ashlar.trainer.3] the third slot of Trainer is for an Offload policy, and a policy of another axis "
        "stands there: write Trainer<Shard, Precision, Offload, Wrap, Checkpoint> in this order");
  else if constexpr (!offload_like<Offload>)
    static_assert(offload_like<Offload>,
                  "[ashlar.offload.1] the third argument of Trainer is an Offload policy, which has name and "
                  "optimizer: write offload::None or offload::OptimizerToHost");
  else if constexpr (!names_itself<Offload>)
    static_assert(
        names_itself<Offload>,
        "[ashlar.offload.3] an Offload policy has a name: write static constexpr std::string_view name");
  else if constexpr (!rests_optimizer<Offload>)
    static_assert(rests_optimizer<Offload>,
                  "[ashlar.offload.4] an Offload policy says where master weights and optimizer state rest: "
                  "write static constexpr auto optimizer = memory::device, or memory::host");
  return true;
}

template <class Wrap>
consteval bool explain_wrap() {
  if constexpr (!in_slot<Wrap, wrap_policy<Wrap>>)
    static_assert(
        in_slot<Wrap, wrap_policy<Wrap>>,
        "[ashlar.trainer.4] the fourth slot of Trainer is for a Wrap policy, and a policy of another axis "
        "stands there: write Trainer<Shard, Precision, Offload, Wrap, Checkpoint> in this order");
  else if constexpr (!wrap_like<Wrap>)
    static_assert(
        wrap_like<Wrap>,
        "[ashlar.wrap.1] the fourth argument of Trainer is a Wrap policy, which has name, starts_unit<Model, "
        "T>() and applies<Model>(): write wrap::Each<Block>, or another of ashlar/wrap");
  else if constexpr (!names_itself<Wrap>)
    static_assert(names_itself<Wrap>,
                  "[ashlar.wrap.4] a Wrap policy has a name: write static constexpr std::string_view name");
  else if constexpr (!says_what_starts_a_unit<Wrap>)
    static_assert(says_what_starts_a_unit<Wrap>,
                  "[ashlar.wrap.5] a Wrap policy says which modules are units: write template <class Model, "
                  "class T> static consteval bool starts_unit()");
  else if constexpr (!says_where_it_applies<Wrap>)
    static_assert(says_where_it_applies<Wrap>,
                  "[ashlar.wrap.6] a Wrap policy says which models it can be honoured for: write template "
                  "<class Model> static consteval bool applies()");
  else if constexpr (!names_some_module<Wrap>)
    static_assert(names_some_module<Wrap>,
                  "[ashlar.wrap.7] wrap::Each names no type, so that the model would be one unit: write the "
                  "type of a layer, or wrap::WholeModel");
  else if constexpr (!names_modules_once<Wrap>)
    static_assert(names_modules_once<Wrap>,
                  "[ashlar.wrap.8] wrap::Each names a type twice: write each type once");
  else if constexpr (!names_positive_size<Wrap>)
    static_assert(names_positive_size<Wrap>,
                  "[ashlar.wrap.11] wrap::BySize names a size below 1, so that every module would be a unit: "
                  "write the least bytes of a unit, such as wrap::BySize<1 << 20>, or wrap::Each");
  return true;
}

template <class Checkpoint>
consteval bool explain_checkpoint() {
  if constexpr (!in_slot<Checkpoint, checkpoint_policy<Checkpoint>>)
    static_assert(
        in_slot<Checkpoint, checkpoint_policy<Checkpoint>>,
        "[ashlar.trainer.5] the fifth slot of Trainer is for a Checkpoint policy, and a policy of another "
        "axis stands there: write Trainer<Shard, Precision, Offload, Wrap, Checkpoint> in this order");
  else if constexpr (!checkpoint_like<Checkpoint>)
    static_assert(
        checkpoint_like<Checkpoint>,
        "[ashlar.checkpoint.1] the fifth argument of Trainer is a Checkpoint policy, which has name, "
        "recomputes<Model, T>() and applies<Model>(): write checkpoint::None or checkpoint::Recompute");
  else if constexpr (!names_itself<Checkpoint>)
    static_assert(
        names_itself<Checkpoint>,
        "[ashlar.checkpoint.4] a Checkpoint policy has a name: write static constexpr std::string_view name");
  else if constexpr (!says_what_is_recomputed<Checkpoint>)
    static_assert(says_what_is_recomputed<Checkpoint>,
                  "[ashlar.checkpoint.5] a Checkpoint policy says which modules are recomputed: write "
                  "template <class Model, class T> static consteval bool recomputes()");
  else if constexpr (!says_where_it_applies<Checkpoint>)
    static_assert(says_where_it_applies<Checkpoint>,
                  "[ashlar.checkpoint.6] a Checkpoint policy says which models it can be honoured for: write "
                  "template <class Model> static consteval bool applies()");
  else if constexpr (!names_some_module<Checkpoint>)
    static_assert(names_some_module<Checkpoint>,
                  "[ashlar.checkpoint.7] checkpoint::RecomputeEach names no type, so that nothing would be "
                  "recomputed: write the type of a layer, or checkpoint::None");
  else if constexpr (!names_modules_once<Checkpoint>)
    static_assert(names_modules_once<Checkpoint>,
                  "[ashlar.checkpoint.8] checkpoint::RecomputeEach names a type twice: write each type once");
  return true;
}

template <class Replay>
consteval bool explain_replay() {
  if constexpr (!complete_type<Replay>)
    static_assert(complete_type<Replay>,
                  "[ashlar.replay.1] a Replay policy is declared here and defined in a header that is "
                  "missing: include ashlar/replay/graph.hpp, or ashlar/policies.hpp");
  else if constexpr (!replay_policy<Replay>)
    static_assert(replay_policy<Replay>,
                  "[ashlar.replay.2] the sixth argument of Trainer is a Replay policy, which has a name and "
                  "captures, a bool: write replay::Graph or replay::None");
  return true;
}

}  // namespace ashlar
