// plan: what a strategy keeps, sends and computes, as constants.
//
//     constexpr long kept = plan<Strategy, Model>(world{8}).kept();
//     constexpr long most = plan<Strategy, Model>(world{8}, batch{4, 1024}).peak();
//
// A Plan holds vectors, which a constexpr variable cannot keep: a constant takes a member, as here.
//
// A trainer's own plan (Training::plan) is made by the same code; tests compare both with what is held and
// sent.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <ashlar/error.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/plan/refused.hpp>
#include <ashlar/plan/rehearse.hpp>
#include <ashlar/plan/units.hpp>
#include <ashlar/trainer.hpp>

namespace ashlar {

// How many ranks share the work, and what they run on.
struct world {
  int size = 1;
  kernels run = kernels::cuda;
};

// What each rank computes in one micro-batch: so many sequences of so many ids.
struct batch {
  long sequences = 1;
  long tokens = 1;
};

// One collective of a step. Bytes are those of the whole tensor, of which each rank holds or gets its part.
struct Transfer {
  Collective kind = Collective::all_gather;
  int unit = -1;  // -1: the loss, the norm and the number of rows
  long bytes = 0;

  constexpr bool operator==(const Transfer&) const = default;
};

struct UnitPlan {
  Name name{};
  long trained = 0;  // parameters, without padding
  long frozen = 0;
  long padded = 0;                     // elements of the flats, with padding
  std::vector<Piece> pieces{};         // where each trained parameter lies in its flat
  std::vector<Piece> frozen_pieces{};  // and each frozen one in its own
  long part = 0;                       // bytes of its gradient, where that is sharded
};

struct Plan {
  std::string_view shard{}, precision{}, offload{}, wrap{}, checkpoint{};
  int world = 1;
  int micro_batches = 1;
  std::vector<UnitPlan> units{};

  // Bytes that a rank holds at the end of a step. Sharded gradients are there from their reduction to the
  // next step.
  long parameters = 0;
  long gradients = 0;
  long optimizer = 0;  // its states, and of master weights what the parameters themselves are not

  // Bytes that a rank holds, too, to make units and gradients whole while a step runs.
  long slots = 0;
  long gradient_slots = 0;

  // Bytes that a split master takes, too, while it is updated on the device: the largest, where that is not
  // one pass.
  long joined = 0;

  // Bytes that a rank holds on its host, and not on the device: what rests there, and room for what is on its
  // way, without what an optimizer that has no update_on_host() takes while it updates. In each step so many
  // go there and back.
  long host = 0;
  long moved = 0;

  std::vector<Transfer> step{};  // the collectives of one step, in order
  long update = 0;               // bytes that a rank's optimizer reads and writes in a step
  Workload work{};               // of one micro-batch, where its inputs are known

  constexpr long kept() const { return parameters + gradients + optimizer + slots + gradient_slots; }
  constexpr long peak() const { return kept() - work.parts + work.most; }  // bytes at once
  constexpr double flops() const { return micro_batches * work.flops; }    // of a rank, a step
  constexpr long sent(Collective kind) const {
    long sum = 0;
    for (const Transfer& transfer : step)
      if (transfer.kind == kind) sum += transfer.bytes;
    return sum;
  }
};

// Of any model whose census was taken; `states` is how many tensors the optimizer remembers.
template <class Strategy>
constexpr Plan make_plan(const Census& census, world ranks, int micro_batches, int states) {
  using Shard = typename Strategy::Shard;
  using Precision = typename Strategy::Precision;
  constexpr bool shards_parameters = Shard::parameters == placement::sharded;
  constexpr bool shards_gradients = Shard::gradients == placement::sharded;
  constexpr bool shards_optimizer = Shard::optimizer == placement::sharded;
  constexpr long compute = bytes(Precision::compute), reduce = bytes(Precision::reduce),
                 master = bytes(Precision::master);

  if (ranks.size < 1)
    throw Error("plan.4", "a world of at least one rank", std::to_string(ranks.size), "write world{8}, say");

  if (micro_batches < 1)
    throw Error("plan.6", "at least one micro-batch", std::to_string(micro_batches),
                "write 1, or leave it out");

  Plan plan{
      Shard::name, Precision::name, Strategy::Offload::name, Strategy::Wrap::name, Strategy::Checkpoint::name,
      ranks.size,  micro_batches};
  const std::vector<UnitLayout> layouts = lay_out(census, ranks.size);
  plan.units.reserve(layouts.size());
  for (const UnitLayout& unit : layouts) {
    UnitPlan counted{.name = unit.name,
                     .padded = unit.trained.numel + unit.frozen.numel,
                     .pieces = unit.trained.pieces,
                     .frozen_pieces = unit.frozen.pieces};
    for (const Piece& piece : unit.trained.pieces) counted.trained += piece.numel;
    for (const Piece& piece : unit.frozen.pieces) counted.frozen += piece.numel;
    const Layout& t = unit.trained;
    if (shards_gradients) counted.part = t.shard * reduce;
    const long kept = shards_optimizer ? t.shard : t.numel;
    plan.parameters += (shards_parameters ? t.shard + unit.frozen.shard : counted.padded) * compute;
    plan.units.push_back(std::move(counted));
    plan.gradients += (shards_gradients ? t.shard : t.numel) * reduce;
    const bool rounds = compute != master && !splits_master<Precision>;
    plan.update += kept * (2 * master * (states + 1) + reduce + (rounds ? compute : 0));
    const long remembered = kept * (master * states + master_bytes<Precision>);
    if (Strategy::Offload::optimizer == memory::device) {
      plan.optimizer += remembered;
      if (splits_master<Precision>) plan.joined = std::max(plan.joined, kept * (2 * master + 2 * compute));
    } else {
      plan.host += remembered + kept * (reduce + compute);
      plan.moved += kept * (reduce + compute);
    }
  }

  const Schedule schedule = make_schedule<Shard>(census, layouts, true);
  if (shards_parameters)
    plan.slots = compute * std::max(schedule.slots, make_schedule<Shard>(census, layouts, false).slots);
  if (shards_gradients) plan.gradient_slots = reduce * schedule.gradient_slots;

  auto send = [&](Collective kind, int unit, const Layout& layout, long size) {
    if (!layout.empty()) plan.step.push_back({kind, unit, layout.numel * size});
  };
  auto at = [&](int unit) -> const UnitLayout& { return layouts[static_cast<std::size_t>(unit)]; };
  for (int i = 0; i < micro_batches; ++i) {
    const bool gathers = shards_parameters && (i == 0 || Shard::reshard_after == pass::forward);
    std::size_t started = 0;
    for (std::size_t e = 0; e < schedule.events.size(); ++e) {
      const Event& event = schedule.events[e];
      for (; gathers && started < schedule.gathers.size() && schedule.gathers[started].event == e;
           ++started) {
        const int unit = schedule.gathers[started].unit;
        send(Collective::all_gather, unit, at(unit).trained, compute);
        send(Collective::all_gather, unit, at(unit).frozen, compute);
      }
      if (event.kind == Event::Kind::reduce && (shards_gradients || i + 1 == micro_batches))
        send(shards_optimizer ? Collective::reduce_scatter : Collective::all_reduce, event.unit,
             at(event.unit).trained, reduce);
    }
  }
  plan.step.push_back({Collective::all_reduce, -1, 4 * static_cast<long>(sizeof(double))});
  if (shards_optimizer && !shards_parameters)
    for (std::size_t u = 0; u < layouts.size(); ++u)
      send(Collective::all_gather, static_cast<int>(u), layouts[u].trained, compute);
  return plan;
}

// By unit.
constexpr std::vector<long> parts_of(const Plan& plan) {
  std::vector<long> parts;
  for (const UnitPlan& unit : plan.units) parts.push_back(unit.part);
  return parts;
}

// The compiler knows every shape of the model.
template <class Model>
concept constant_shapes =
    declared_module<Model> && !any_type<Model>([]<class T>() { return torch_module<T>; });

// And makes one.
template <class Model>
concept constant_model = requires { typename std::bool_constant<(Model{}, true)>; };

template <class Strategy, class Model, class Optimizer>
concept has_constant_plan =
    plannable<Strategy, Model> && constant_shapes<Model> && constant_model<Model> && optimizer<Optimizer>;

template <class Model>
consteval bool explain_constant_model() {
  static_assert(
      constant_model<Model>,
      "[ashlar.plan.9] a plan is a constant, for which the compiler makes the model: write a constexpr "
      "constructor that needs no arguments, or trainer.plan()");
  return true;
}

// Of what a plan is asked for.
template <class Strategy, class Model, class Optimizer>
consteval bool explain_plan() {
  if constexpr (!plannable<Strategy, Model>)
    return explain_model<Strategy, Model>();
  else if constexpr (!constant_shapes<Model>)
    static_assert(constant_shapes<Model>,
                  "[ashlar.plan.1] only a declared model has a constant plan: a torch::nn model's "
                  "shapes are known when it is made, so write trainer.plan()");
  else if constexpr (!constant_model<Model>)
    return explain_constant_model<Model>();
  else
    return explain_optimizer<Optimizer>();
  return true;
}

// Of a declared model: a Plan, as a constant expression.
template <class Strategy, class Model, class Optimizer = optim::AdamW>
constexpr auto plan(world ranks, int micro_batches = 1) {
  static_assert(explain_plan<Strategy, Model, Optimizer>());
  if constexpr (has_constant_plan<Strategy, Model, Optimizer>) {
    Model model{};
    return make_plan<Strategy>(take_census<typename Strategy::Wrap, typename Strategy::Checkpoint>(model),
                               ranks, micro_batches, Optimizer::states);
  } else {
    return RefusedPlan();
  }
}

// The same with the work of a micro-batch, for a model whose loss takes ids and targets, both (sequences,
// tokens), int64, and whose layers run on Symbols (symbolic/ops.hpp): a constant expression.
template <class Strategy, class Model, class Optimizer = optim::AdamW>
constexpr auto plan(world ranks, batch each, int micro_batches = 1) {
  auto planned = plan<Strategy, Model, Optimizer>(ranks, micro_batches);
  if (each.sequences < 1 || each.tokens < 1)
    throw Error("plan.5", "a batch of at least one sequence of one token",
                std::to_string(each.sequences) + " of " + std::to_string(each.tokens),
                "write batch{4, 1024}, say");
  if constexpr (!has_constant_plan<Strategy, Model, Optimizer>) {
    return planned;
  } else if constexpr (!has_loss<Model>) {
    static_assert(explain_batch<Model>());
    return RefusedPlan();
  } else if constexpr (!loss_fits<Model, PlannedRun, Symbol>) {
    static_assert(explain_planned_loss<Model, Symbol>());
    return RefusedPlan();
  } else {
    const auto inputs = [each](Tape& tape) {
      const Symbol ids(tape, {each.sequences, each.tokens}, Values::i64);
      return std::tuple(ids, Symbol(tape, ids.shape(), Values::i64));
    };
    const bool fused = ranks.run == kernels::cuda && fusing_optimizer<Optimizer>;
    planned.work = rehearse<Strategy, Model>(ranks.run, inputs, parts_of(planned), micro_batches,
                                             fused ? 0 : planned.joined);
    return planned;
  }
}

namespace detail {

template <class First>
concept is_world = std::is_same_v<First, world>;

template <class First>
consteval bool explain_world() {
  static_assert(is_world<First>,
                "[ashlar.plan.13] a plan is for a world, and then for a batch: write plan<Strategy, "
                "Model>(world{8}) or plan<Strategy, Model>(world{8}, batch{4, 1024})");
  return true;
}

}  // namespace detail

// Anything else that a plan is asked for by.
template <class Strategy, class Model, class Optimizer = optim::AdamW, class First, class... Rest>
  requires(!detail::is_world<First>)
constexpr RefusedPlan plan(First, Rest...) {
  static_assert(detail::explain_world<First>());
  return {};
}

// The plan as a table of text, and as JSON: units, bytes kept, collectives of a step, work of a micro-batch.
std::string strategy_name(const Plan& plan);  // Trainer<Zero3, Fp32, None, Each, None>
std::string describe(const Plan& plan);
std::string to_json(const Plan& plan);

template <class Strategy, class Model, class Optimizer = optim::AdamW>
std::string describe(auto... shape) {
  return describe(plan<Strategy, Model, Optimizer>(shape...));
}

}  // namespace ashlar
