// explain: the first broken rule, in one sentence that says what to write instead, under a stable id.
#pragma once

#include <ashlar/concepts/composable.hpp>
#include <ashlar/concepts/optimizer.hpp>
#include <ashlar/diagnostics/policies.hpp>

namespace ashlar {

// Of a strategy's policies.
template <class Shard, class Precision, class Offload, class Wrap, class Checkpoint>
consteval bool explain() {
  if constexpr (!(detail::given<Precision> && detail::given<Offload> && detail::given<Wrap>))
    static_assert(detail::given<Precision> && detail::given<Offload> && detail::given<Wrap>,
                  "[ashlar.trainer.6] a slot of Trainer is empty: write Trainer<Shard, Precision, Offload, "
                  "Wrap>, with offload::None or wrap::WholeModel where nothing is asked for");
  else if constexpr (!(complete_type<Shard> && complete_type<Precision> && complete_type<Offload> &&
                       complete_type<Wrap> && complete_type<Checkpoint>))
    static_assert(
        complete_type<Shard> && complete_type<Precision> && complete_type<Offload> && complete_type<Wrap> &&
            complete_type<Checkpoint>,
        "[ashlar.trainer.7] a policy is declared here and defined in a header that is missing: include its "
        "header, such as ashlar/checkpoint/none.hpp, or ashlar/policies.hpp");
  else if constexpr (!shard_policy<Shard>)
    return explain_shard<Shard>();
  else if constexpr (!precision_policy<Precision>)
    return explain_precision<Precision>();
  else if constexpr (!offload_policy<Offload>)
    return explain_offload<Offload>();
  else if constexpr (!(wrap_policy<Wrap> && names_some_module<Wrap> && names_modules_once<Wrap> &&
                       names_positive_size<Wrap>))
    return explain_wrap<Wrap>();
  else if constexpr (!(checkpoint_policy<Checkpoint> && names_some_module<Checkpoint> &&
                       names_modules_once<Checkpoint>))
    return explain_checkpoint<Checkpoint>();
  else if constexpr (!offloads_a_shard<Offload, Shard>)
    static_assert(
        offloads_a_shard<Offload, Shard>,
        "[ashlar.offload.2] optimizer state on the host needs a sharded optimizer, or every rank would "
        "update all of it there: write shard::Zero1 or another that shards it, or offload::None");
  else
    static_assert(composable<Shard, Precision, Offload, Wrap, Checkpoint>,
                  "a rule of composable has no sentence");
  return true;
}

// Of these and of how its steps are replayed.
template <class Shard, class Precision, class Offload, class Wrap, class Checkpoint, class Replay>
consteval bool explain_all() {
  if constexpr (composable<Shard, Precision, Offload, Wrap, Checkpoint>)
    return explain_replay<Replay>();
  else
    return explain<Shard, Precision, Offload, Wrap, Checkpoint>();
}

namespace checkpoint {
struct Recompute;  // of ashlar/checkpoint/recompute.hpp
}

namespace detail {
// Whose rule about a model is known here: Each and BySize. Another policy's is its own.
template <class Wrap>
concept wrap_of_ours = names_modules<Wrap> || requires { Wrap::least_bytes; };
}  // namespace detail

// Of a model, whatever the strategy: so that several strategies say it once.
template <class Model>
consteval bool explain_members() {
  if constexpr (!declares_members_publicly<Model>)
    static_assert(declares_members_publicly<Model>,
                  "[ashlar.model.34] a module declares its members privately, where nobody who runs a model "
                  "sees them: write public: before BOOST_HANA_DEFINE_STRUCT, or struct in place of class");
  else if constexpr (!model<Model>)
    static_assert(model<Model>,
                  "[ashlar.model.3] a model declares its members with BOOST_HANA_DEFINE_STRUCT, or is a "
                  "torch::nn module by holder or shared_ptr: write one of the two");
  else if constexpr (!declares_known_members<Model>)
    static_assert(declares_known_members<Model>,
                  "[ashlar.model.1] a declared member must be a Parameter, a Buffer, a module, a list of "
                  "modules or Tied: declare only these with BOOST_HANA_DEFINE_STRUCT");
  else if constexpr (!declares_no_constants<Model>)
    static_assert(declares_no_constants<Model>,
                  "[ashlar.model.31] a declared member is const, and a model's parameters are pointed at "
                  "their tensors: leave const out, and write nn::Frozen if nothing should train it");
  else if constexpr (!declares_all_that_holds_tensors<Model>)
    static_assert(declares_all_that_holds_tensors<Model>,
                  "[ashlar.model.8] a member that holds parameters is not declared: write it into "
                  "BOOST_HANA_DEFINE_STRUCT, too, and as nn::Frozen if nothing should train it");
  else if constexpr (!has_positive_sizes<Model>)
    static_assert(has_positive_sizes<Model>,
                  "[ashlar.model.15] a parameter or buffer has a size below 1, so that it has no elements: "
                  "write sizes of at least 1 where its layer is named");
  else if constexpr (!freezes_parameters<Model>)
    static_assert(freezes_parameters<Model>,
                  "[ashlar.model.32] nn::Frozen holds a Buffer or a Tied, which nothing trains: write it "
                  "without Frozen, and freeze the module that holds the parameters");
  else if constexpr (!has_parameters<Model>)
    static_assert(has_parameters<Model>,
                  "[ashlar.model.16] the model declares no parameters, so that there is nothing to train: "
                  "write its layers into BOOST_HANA_DEFINE_STRUCT");
  else if constexpr (!has_trained_parameters<Model>)
    static_assert(
        has_trained_parameters<Model>,
        "[ashlar.model.33] every parameter of the model is frozen, so that there is nothing to train: leave "
        "nn::Frozen out where something is to be trained, or run the model by Standalone");
  else if constexpr (!ties_name_modules<Model>)
    static_assert(ties_name_modules<Model>,
                  "[ashlar.model.30] nn::Tied<Owner> names a Parameter, a Buffer or another Tied: write the "
                  "type of the module that holds the parameter, and read the parameter through it");
  else if constexpr (!ties_have_one_owner<Model>)
    static_assert(ties_have_one_owner<Model>,
                  "[ashlar.model.2] nn::Tied<Owner> needs exactly one Owner in the model: give the owner a "
                  "type of its own");
  else
    static_assert(trainable<Model>, "a rule of trainable has no sentence");
  return true;
}

// Of a Wrap policy and a model that it is to cut into units.
template <class Wrap, class Model>
consteval bool explain_units() {
  if constexpr (!wraps_at_compile_time<Wrap, Model>)
    static_assert(wraps_at_compile_time<Wrap, Model>,
                  "[ashlar.wrap.10] the compiler asks a Wrap policy which modules are units: write "
                  "starts_unit() and applies() as static consteval");
  else if constexpr (!wraps<Wrap, Model> && detail::wrap_of_ours<Wrap>)
    static_assert(wraps<Wrap, Model>,
                  "[ashlar.wrap.2] each type of wrap::Each must be a module that occurs below the model, and "
                  "wrap::BySize needs its static shapes: write a type that occurs, or wrap::WholeModel");
  else if constexpr (!wraps<Wrap, Model>)
    static_assert(
        wraps<Wrap, Model>,
        "[ashlar.wrap.13] the Wrap policy cannot be honoured for this model, as its applies<Model>() says: "
        "write a model that it asks for, or another policy, such as wrap::WholeModel");
  else if constexpr (!makes_some_unit<Wrap, Model>)
    static_assert(makes_some_unit<Wrap, Model>,
                  "[ashlar.wrap.12] wrap::BySize names a size that no module below the model has, so that "
                  "the model would be one unit: write fewer bytes, or wrap::WholeModel");
  else if constexpr (!units_hold_parameters<Wrap, Model>)
    static_assert(units_hold_parameters<Wrap, Model>,
                  "[ashlar.wrap.9] a module that is to be a unit holds no parameters, so that there is "
                  "nothing to gather, reduce or free: leave its type out of wrap::Each");
  else if constexpr (!keeps_ties_together<Wrap, Model>)
    static_assert(
        keeps_ties_together<Wrap, Model>,
        "[ashlar.wrap.3] a unit holds parameters that are tied to a module outside of it, where they would "
        "be used after the unit gave them back: leave the owner's type, and those of its parts, out of "
        "wrap::Each");
  else
    static_assert(wrappable<Wrap, Model>, "a rule of wrappable has no sentence");
  return true;
}

// Of a Checkpoint policy and a model of which it is to recompute something.
template <class Checkpoint, class Model>
consteval bool explain_layers() {
  if constexpr (!checkpoints_at_compile_time<Checkpoint, Model>)
    static_assert(checkpoints_at_compile_time<Checkpoint, Model>,
                  "[ashlar.checkpoint.10] the compiler asks a Checkpoint policy which modules are "
                  "recomputed: write recomputes() and applies() as static consteval");
  else if constexpr (!checkpoints<Checkpoint, Model> && names_modules<Checkpoint>)
    static_assert(checkpoints<Checkpoint, Model>,
                  "[ashlar.checkpoint.3] each type of checkpoint::RecomputeEach must be a module that "
                  "occurs below the model: write a type that occurs, or checkpoint::None");
  else if constexpr (!checkpoints<Checkpoint, Model> && std::is_same_v<Checkpoint, checkpoint::Recompute>)
    static_assert(checkpoints<Checkpoint, Model>,
                  "[ashlar.checkpoint.2] checkpoint::Recompute recomputes repeated layers and the model "
                  "has none: declare them as std::array<Layer, n>, or write checkpoint::None");
  else if constexpr (!checkpoints<Checkpoint, Model>)
    static_assert(
        checkpoints<Checkpoint, Model>,
        "[ashlar.checkpoint.11] the Checkpoint policy cannot be honoured for this model, as its "
        "applies<Model>() says: write a model that it asks for, or another policy, such as checkpoint::None");
  else if constexpr (!recomputes_once<Checkpoint, Model>)
    static_assert(
        recomputes_once<Checkpoint, Model>,
        "[ashlar.checkpoint.9] a recomputed module lies in another, so that its forward would run three "
        "times: name one of the two in checkpoint::RecomputeEach, or give the inner a type of its own");
  else
    static_assert(checkpointable<Checkpoint, Model>, "a rule of checkpointable has no sentence");
  return true;
}

// Of a strategy and the model that it plans for. A Trainer that was refused has said why.
template <class Strategy, class Model>
consteval bool explain_model() {
  if constexpr (refused<Strategy>)
    return true;
  else if constexpr (!strategy<Strategy>)
    static_assert(strategy<Strategy>,
                  "[ashlar.plan.2] what is planned and trained by is a strategy: write Trainer<Shard, "
                  "Precision, Offload, Wrap>");
  else if constexpr (!trainable<Model>)
    return explain_members<Model>();
  else if constexpr (!wrappable<typename Strategy::Wrap, Model>)
    return explain_units<typename Strategy::Wrap, Model>();
  else if constexpr (!checkpointable<typename Strategy::Checkpoint, Model>)
    return explain_layers<typename Strategy::Checkpoint, Model>();
  else
    static_assert(plannable<Strategy, Model>, "a rule of plannable has no sentence");
  return true;
}

// Of a communicator, whatever works with it.
template <class Comm>
consteval bool explain_collectives() {
  if constexpr (!communicator<Comm>)
    static_assert(communicator<Comm>,
                  "[ashlar.communicator.1] a communicator has name, Work, rank(), size() and barrier(): "
                  "write comm::Mpi, comm::Nccl or comm::Solo");
  else if constexpr (!has_all_gather<Comm>)
    static_assert(
        has_all_gather<Comm>,
        "[ashlar.communicator.2] the communicator lacks all_gather, which every trainer calls: write Work "
        "all_gather(Tensor& whole, const Tensor& part), or comm::Mpi, comm::Nccl or comm::Solo");
  else if constexpr (!has_all_reduce<Comm>)
    static_assert(has_all_reduce<Comm>,
                  "[ashlar.communicator.3] the communicator lacks all_reduce, which every trainer calls: "
                  "write Work all_reduce(Tensor& tensor), or comm::Mpi, comm::Nccl or comm::Solo");
  else if constexpr (!has_broadcast<Comm>)
    static_assert(has_broadcast<Comm>,
                  "[ashlar.communicator.4] the communicator lacks broadcast, which every trainer calls: "
                  "write Work broadcast(Tensor& tensor, int root), or comm::Mpi, comm::Nccl or comm::Solo");
  else if constexpr (!counts_dimensions<Comm>)
    static_assert(
        counts_dimensions<Comm>,
        "[ashlar.communicator.6] a communicator says how many dimensions its world has: write static "
        "constexpr int dimensions = 1 or more, or leave it out");
  return true;
}

// Of a communicator that a Shard policy works with.
template <class Comm, class Shard>
consteval bool explain_communicator() {
  if constexpr (!(trainer_communicator<Comm> && counts_dimensions<Comm>))
    return explain_collectives<Comm>();
  else if constexpr (!spans<Comm, Shard>)
    static_assert(
        spans<Comm, Shard>,
        "[ashlar.shard.13] the Shard policy shards over more dimensions than the communicator's world has: "
        "write a communicator with as many dimensions, or shard::Zero3, which needs one");
  else if constexpr (!serves_verbs<Comm, Shard> && !has_reduce_scatter<Comm>)
    static_assert(serves_verbs<Comm, Shard>,
                  "[ashlar.communicator.5] the communicator lacks reduce_scatter, which the Shard policy "
                  "calls: write Work reduce_scatter(Tensor& part, Tensor& whole), or comm::Mpi, comm::Nccl "
                  "or comm::Solo, or shard::Replicate");
  else if constexpr (!serves_verbs<Comm, Shard>)
    static_assert(serves_verbs<Comm, Shard>,
                  "[ashlar.shard.7] the communicator lacks what a verb of the Shard policy calls: write "
                  "shard::Zero3, or a Shard policy whose reduce, unshard and publish take this communicator");
  return true;
}

// Of what updates the parameters.
template <class Optimizer>
consteval bool explain_optimizer() {
  if constexpr (!updates_shards<Optimizer>)
    static_assert(updates_shards<Optimizer>,
                  "[ashlar.optim.1] an optimizer has name, states, state_names, learning_rate and update(): "
                  "write optim::AdamW or optim::Sgd");
  else if constexpr (!names_its_states<Optimizer>)
    static_assert(names_its_states<Optimizer>,
                  "[ashlar.optim.2] an optimizer says how many tensors it remembers and names each: write "
                  "static constexpr int states = 2 and static constexpr std::array<std::string_view, 2> "
                  "state_names, of 2 different names");
  else
    static_assert(lists_its_settings<Optimizer>,
                  "[ashlar.optim.3] an optimizer's settings() is a range of Setting: write auto settings() "
                  "const, which returns a std::array of Setting, or leave it out");
  return true;
}

// Of a model that make<Model>() makes.
template <class Model>
consteval bool explain_start() {
  if constexpr (!trainable<Model>)
    return explain_members<Model>();
  else
    static_assert(starts_by_itself<Model>,
                  "[ashlar.model.36] make<Model>(comm, optimizer) makes the model without arguments, and its "
                  "constructors ask for some: write make(model, comm, optimizer), or a constructor without");
  return true;
}

// Of one that is handed to it.
template <class Model>
consteval bool explain_move() {
  static_assert(
      std::move_constructible<Model>,
      "[ashlar.model.37] a trainer keeps the model that it is made with, and this one cannot be moved: "
      "leave its move constructor in");
  return true;
}

// Of what a trainer is made with: a model, a communicator and an optimizer.
template <class Strategy, class Model, class Comm, class Optimizer>
concept usable = plannable<Strategy, Model> && std::move_constructible<Model> &&
                 serves<Comm, typename Strategy::Shard> && optimizer<Optimizer>;

// What no make() takes makes none.
template <class... Given>
concept makes_a_trainer = false;

template <class Strategy, class Model, class Comm, class Optimizer>
consteval bool explain_use() {
  if constexpr (!plannable<Strategy, Model>)
    return explain_model<Strategy, Model>();
  else if constexpr (!std::move_constructible<Model>)
    return explain_move<Model>();
  else if constexpr (!serves<Comm, typename Strategy::Shard>)
    return explain_communicator<Comm, typename Strategy::Shard>();
  else if constexpr (!optimizer<Optimizer>)
    return explain_optimizer<Optimizer>();
  else
    static_assert(usable<Strategy, Model, Comm, Optimizer>, "a rule of usable has no sentence");
  return true;
}

// What make() is given that no other make() takes.
template <class... Given>
consteval bool explain_make() {
  static_assert(
      makes_a_trainer<Given...>,
      "[ashlar.trainer.10] make() is not given what a trainer is made with: write make<Model>(comm, "
      "optimizer, recipe) or make(model, comm, optimizer, recipe), where comm is a variable that "
      "outlives the trainer and the recipe may be left out");
  return true;
}

// One of make()'s arguments stands where another belongs, or is a communicator that nobody can call.
template <class Model, class Comm, class Optimizer, class Recipe>
concept misplaced = std::is_const_v<Comm> || communicator<Model> || updates_shards<Model> ||
                    updates_shards<Comm> || declared_module<Comm> || communicator<Optimizer> ||
                    declared_module<Optimizer> || std::is_same_v<Optimizer, Recipe>;

// Of what make() is given.
template <class Strategy, class Model, class Comm, class Optimizer, class Recipe>
consteval bool explain_given() {
  if constexpr (misplaced<Model, Comm, Optimizer, Recipe>)
    return explain_make<Model, Comm&, Optimizer>();
  else
    return explain_use<Strategy, Model, Comm, Optimizer>();
}

// What run() is given for a unit or a recomputed layer.
template <class... Inputs>
consteval bool explain_inputs() {
  static_assert(tensors_only<Inputs...>,
                "[ashlar.model.4] a unit or recomputed layer takes tensors only: give other arguments to its "
                "constructor, or wrap another type");
  return true;
}

// What a batch is for: the model's loss. A plan asks only that there is one.
template <class Model>
consteval bool explain_batch() {
  if constexpr (!has_loss<Model>)
    static_assert(has_loss<Model>,
                  "[ashlar.model.9] a batch is for the model's loss, and the model has none: write "
                  "constexpr auto loss(auto& run, const auto& inputs, const auto& targets) const, or give "
                  "step() an objective");
  return true;
}

// What step() and evaluate() are given: a batch for the model's loss, or an objective. `Result` is what the
// loss returned, once it was called.
template <class Model, class Run, class Result = Tensor, class X = Tensor>
consteval bool explain_loss() {
  if constexpr (!has_loss<Model>)
    return explain_batch<Model>();
  else
    static_assert(
        loss_is_one<Model, Run, Result, X>,
        "[ashlar.model.10] the model's loss does not take the batch: write constexpr auto loss(auto& run, "
        "const auto& inputs, const auto& targets) const, which returns a Tensor");
  return true;
}

// The same where the batch is planned, on an X in place of a Tensor. Said once, whatever the strategy.
struct PlannedRun;
template <class Model, class X, class Result = X>
consteval bool explain_planned_loss() {
  if constexpr (loss_fits<Model, PlannedRun> && !loss_fits<Model, PlannedRun, X>)
    static_assert(
        loss_fits<Model, PlannedRun, X>,
        "[ashlar.model.35] a plan of a batch runs the model's loss on Symbols, and it takes Tensors "
        "alone: write constexpr auto loss(auto& run, const auto& inputs, const auto& targets) const, or "
        "ask for the plan of a world without a batch");
  else
    return explain_loss<Model, PlannedRun, Result, X>();
  return true;
}

template <class Objective, class Run, class Result = Tensor>
consteval bool explain_objective() {
  static_assert(objective_is_one<Objective, Run, Result>,
                "[ashlar.trainer.8] an objective is called with (run, i), with (run) or with nothing, and "
                "returns the Tensor to minimise: write such a lambda, or step(inputs, targets)");
  return true;
}

}  // namespace ashlar
