// Training: one strategy at work on one model, in one process of the world.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <deque>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <ashlar/engine/agree.hpp>
#include <ashlar/engine/binding.hpp>
#include <ashlar/engine/engine.hpp>
#include <ashlar/engine/eval_mode.hpp>
#include <ashlar/engine/recipe.hpp>
#include <ashlar/engine/run.hpp>
#include <ashlar/engine/watch.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/trainer.hpp>

namespace ashlar {

// A parameter as a whole, gathered from all ranks: on the CPU, in the master type.
struct FullParameter {
  std::string name;
  Tensor value;                // ND
  std::vector<Tensor> states;  // ND, the optimizer's; none if frozen
};

template <class Strategy, class Model, class Comm, class Optimizer>
class Training {
  using Shard = typename Strategy::Shard;
  using Precision = typename Strategy::Precision;
  using Wrap = typename Strategy::Wrap;
  using Checkpoint = typename Strategy::Checkpoint;

 public:
  template <class M>
  static constexpr bool is_unit = Wrap::template starts_unit<Model, M>();
  template <class M>
  static constexpr bool recomputes = Checkpoint::template recomputes<Model, M>();

  // Use Strategy::make.
  Training(Model model, Comm& comm, Optimizer optimizer, Recipe recipe)
      : model_(std::move(model)),
        comm_(comm),
        device_(device_of(comm)),
        optimizer_(std::move(optimizer)),
        recipe_(checked(recipe, optimizer_.learning_rate)),
        census_(take_census<Wrap, Checkpoint>(model_,
                                              [this](auto& module, int unit) { add_site(module, unit); })),
        engine_(comm_, device_, census_, Optimizer::states) {
    agree(comm_, device_, identity());
    binding_ = ashlar::bind(model_, engine_, census_, comm_, device_, recipe_.seed);
    engine_.publish();
    at::manual_seed(parameter_seed(recipe_.seed, "rank") + static_cast<std::uint64_t>(comm_.rank()));
  }

  Training(const Training&) = delete;  // sites, model and leaves point into one another
  Training& operator=(const Training&) = delete;

  // One optimizer step on this rank's part of the global batch, cut along dimension 0 into the recipe's
  // micro-batches. The model's loss(run, inputs, targets) is the mean over what it is given.
  Report step(const Tensor& inputs, const Tensor& targets) {
    const long rows = rows_of(inputs), count = recipe_.micro_batches;
    if (rows % count != 0 || rows == 0 || rows_of(targets) != rows)
      throw Error("train.1",
                  "inputs and targets with the same number of rows, a multiple of " + std::to_string(count),
                  std::to_string(rows) + " and " + std::to_string(rows_of(targets)) + " rows",
                  "change the batch or Recipe::micro_batches");
    const Tensor x = to_compute(inputs), y = targets.to(device_);
    return take_step(
        [&, size = rows / count](auto& run, int i) {
          return loss(run, x.narrow(0, i * size, size), y.narrow(0, i * size, size));
        },
        rows);
  }

  // The same for any objective: called as objective(run, i), objective(run) or objective() for each
  // micro-batch i, it returns the scalar to minimise, each rank's of equal weight. It runs declared modules
  // through `run`; torch modules run as they always do.
  template <class Objective>
  Report step(Objective&& objective) {
    return take_step(objective, 0);
  }

  // The mean of an objective over the ranks, without gradients, with torch modules in eval mode.
  template <class Objective>
  double evaluate(Objective&& objective) {
    return mean_of(objective, 1);
  }
  // The mean loss over the rows of all ranks, which need not have the same number.
  double evaluate(const Tensor& inputs, const Tensor& targets) {
    return mean_of(
        [&, x = to_compute(inputs), y = targets.to(device_)](auto& run) { return loss(run, x, y); },
        rows_of(inputs));
  }

  // The model's forward, without gradients. Collective: every rank calls it.
  template <class... Inputs>
  auto predict(const Inputs&... inputs) {
    const Busy busy(busy_);
    return without_gradients([&] { return call(model_, run_, to_compute(inputs)...); });
  }

  // Every parameter and its optimizer state, whole. Collective, and as large as the model on every rank.
  std::vector<FullParameter> full_parameters() {
    std::vector<std::array<std::vector<Tensor>, 2>> whole;  // by unit: trained, frozen
    for (auto& unit : engine_.units()) {
      auto& [trained, frozen] = whole.emplace_back();
      if (!unit.trained.empty()) {
        trained.push_back(gather(unit.trained.master, unit.trained));
        for (const Tensor& state : unit.trained.states) trained.push_back(gather(state, unit.trained));
      }
      if (!unit.frozen.empty())
        frozen.push_back(
            gather(shards_parameters<Shard> ? unit.frozen.shard : unit.frozen.whole, unit.frozen));
    }
    std::vector<FullParameter> all;
    for (const Place& place : binding_.places) {
      const auto& unit = engine_.units()[static_cast<size_t>(place.unit)];
      const Piece& piece = (place.trained ? unit.trained : unit.frozen).layout.pieces[place.piece];
      FullParameter& parameter = all.emplace_back();
      parameter.name = place.name;
      for (const Tensor& flat : whole[static_cast<size_t>(place.unit)][place.trained ? 0 : 1])
        parameter.states.push_back(flat.narrow(0, piece.offset, piece.numel).reshape(place.shape).clone());
      parameter.value = std::move(parameter.states.front());
      parameter.states.erase(parameter.states.begin());
    }
    return all;
  }

  // Calls visit(name, tensor) for all that this rank must keep to go on bit for bit: shards, optimizer state,
  // buffers, random state. Whoever copies other values into them calls restored() then.
  void for_each_saved(auto&& visit) {
    for (auto& unit : engine_.units()) {
      const std::string prefix = unit.name.size > 0 ? std::string(unit.name.view()) + "/" : "root/";
      if (!unit.trained.empty()) {
        visit(prefix + "master", unit.trained.master);
        for (size_t i = 0; i < unit.trained.states.size(); ++i)
          visit(prefix + std::string(Optimizer::state_names[i]), unit.trained.states[i]);
      }
      if (!unit.frozen.empty())
        visit(prefix + "frozen", shards_parameters<Shard> ? unit.frozen.shard : unit.frozen.whole);
    }
    for (size_t i = 0; i < binding_.buffers.size(); ++i) visit(binding_.buffer_names[i], binding_.buffers[i]);
    random_ = RandomState::now(device_);
    for (size_t i = 0; i < random_.tensors().size(); ++i)
      visit("random/" + std::to_string(i), random_.tensors()[i]);
  }

  // Collective. `step`: how many steps the restored values have seen.
  void restored(long step) {
    random_.restore();
    engine_.publish();
    step_ = step;
  }

  // Strategy, model, recipe and schedule in words. Equal on every rank; a checkpoint matches all but the
  // last.
  Identity identity() const {
    std::string shapes;
    long numel = 0;
    for (const ParameterSite& p : census_.parameters) {
      shapes += std::string(p.name.view()) + ":" + std::to_string(p.numel) + (p.trained ? "t" : "f") +
                std::to_string(p.unit) + " ";
      numel += p.numel;
    }
    return {strategy_name(plan()) + " of " + std::to_string(census_.units.size()) + " units",
            std::to_string(census_.parameters.size()) + " parameters of " + std::to_string(numel) +
                " elements (" + fingerprint(shapes) + ")",
            words(recipe_, words(optimizer_)), schedule_words(recipe_, optimizer_.learning_rate)};
  }

  // What this trainer keeps and sends; equal to the constant plan<Strategy, Model> for a declared model.
  Plan plan() const {
    return make_plan<Strategy>(census_, world{comm_.size()}, recipe_.micro_batches, Optimizer::states);
  }

  // The same with the work of a micro-batch, of a step on inputs of such shapes. The model's loss and layers
  // must run on Symbols (symbolic/ops.hpp).
  template <class... Inputs>
    requires(sizeof...(Inputs) > 0)
  Plan plan(const Inputs&... inputs) const {
    Plan planned = plan();
    planned.work =
        rehearse<Strategy, Model>(device_.is_cpu() ? kernels::cpu : kernels::cuda, [&](Tape& tape) {
          const auto symbol = [&](const Tensor& input) {
            Shape shape;
            for (const long size : input.sizes())
              shape.push_back(shape.empty() ? size / recipe_.micro_batches : size);
            return Symbol(tape, shape, input.is_floating_point() ? Values::compute : Values::i64);
          };
          return std::tuple(symbol(inputs)...);
        });
    return planned;
  }

  Model& model() { return model_; }
  Comm& communicator() { return comm_; }
  c10::Device device() const { return device_; }
  const Recipe& recipe() const { return recipe_; }
  long steps() const { return step_; }

  // What engine and executors call.
  Engine<Shard, Precision, Comm>& engine() { return engine_; }
  Run<Training>& run() { return run_; }

  // Modules run in the order in which they are declared, so the site is the one after the last, or near it.
  template <class M>
  Site& site(const M& module) {
    for (size_t tried = 0; tried < sites_.size(); ++tried) {
      Site& site = sites_[next_site_];
      next_site_ = next_site_ + 1 == sites_.size() ? 0 : next_site_ + 1;
      if (site.module == &module && site.type == &type_tag<M>) return site;
    }
    throw Error("model.6", "run() to be given a member of the trainer's model", "another module",
                "pass the member itself, not a copy");
  }

 private:
  // One use of the engine at a time.
  class Busy {
   public:
    explicit Busy(bool& busy) : busy_(busy) {
      if (busy_)
        throw Error("train.5", "one step, evaluation or prediction of a trainer at a time",
                    "another one inside an objective", "run the model by the objective's own `run`");
      busy_ = true;
    }
    ~Busy() { busy_ = false; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    bool& busy_;
  };

  // `rows` of this rank's part of the batch, which must be every rank's; 0 where there is no telling.
  template <class Objective>
  Report take_step(Objective&& objective, long rows) {
    const Busy busy(busy_);
    const int count = recipe_.micro_batches;
    Tensor loss = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(device_));
    for (int i = 0; i < count; ++i) {
      engine_.begin_training(i, count);
      const Tensor part = scalar_of(objective, run_, i);
      if (!part.requires_grad())
        throw Error("train.6", "an objective that depends on a trained parameter", "one that depends on none",
                    "run the model inside the objective, and leave something to train");
      engine_.begin_backward();
      torch::autograd::backward({part}, {at::full({}, 1.0 / (count * comm_.size()), part.options())});
      loss += part.detach();
      engine_.after_backward(0);
      engine_.finish();
    }
    const Report report = make_report(loss / count, rows);
    if (!std::isfinite(report.loss) || !std::isfinite(report.gradient_norm)) blame(objective, report);
    update(report);
    return report;
  }

  template <class Objective>
  double mean_of(Objective&& objective, long weight) {
    const Busy busy(busy_);
    const Tensor own = without_gradients([&] { return scalar_of(objective, run_, 0); });
    Tensor sums = at::full({2}, static_cast<double>(weight), own.options().dtype(at::kDouble));
    sums[0] *= own;
    comm_.all_reduce(sums).wait();
    return sums[0].item().toDouble() / sums[1].item().toDouble();
  }

  static long rows_of(const Tensor& tensor) {
    return tensor.defined() && tensor.dim() > 0 ? tensor.size(0) : 0;
  }

  template <class M>
  void add_site(M& module, int unit) {
    Site& site = sites_.emplace_back();
    site.module = &module;
    site.type = &type_tag<M>;
    site.unit = unit;
    site.host = this;
    site.anchor = at::from_blob(&site, {static_cast<long>(sizeof(Site) / sizeof(float))}, at::kFloat);
    site.anchor.requires_grad_(true);
  }

  Tensor to_compute(const Tensor& input) const {
    return input.is_floating_point() ? input.to(device_, scalar_type(Precision::compute)) : input.to(device_);
  }

  // A model without a fitting loss, or an objective that fits nothing, is explained and then left alone. What
  // is wrong within a loss that fits the compiler says, where it is called first.
  template <class Runner>
  Tensor loss(Runner& run, const Tensor& x, const Tensor& y) {
    static_assert(explain_loss<Model, Run<Training>>());
    if constexpr (loss_runs_by<Model, Run<Training>, Runner>) {
      auto&& result = (model_.loss(run, x, y), detail::Returned());
      static_assert(explain_loss<Model, Run<Training>, decltype(result)>());
      if constexpr (loss_is_one<Model, Run<Training>, decltype(result)>) return result;
    }
    return x;
  }

  // What the objective returns: 0D, floating.
  template <class Objective>
  static Tensor scalar_of(Objective& objective, auto& run, int i) {
    const Tensor value = evaluate_objective(objective, run, i);
    if (!value.defined() || value.numel() != 1 || !at::isFloatingType(value.scalar_type())) {
      std::ostringstream got;
      if (value.defined())
        got << "a " << at::toString(value.scalar_type()) << " tensor of shape " << value.sizes();
      else
        got << "an undefined tensor";
      throw Error("train.7", "an objective, or the model's loss, to return one floating number", got.str(),
                  "return the mean over what it is given");
    }
    return value.dim() == 0 ? value : value.view({});
  }

  template <class Objective, class Runner>
  static Tensor evaluate_objective(Objective& objective, Runner& run, int i) {
    static_assert(explain_objective<Objective, Run<Training>>());
    if constexpr (objective_runs_by<Objective, Run<Training>, Runner>) {
      auto&& result = (call_objective(objective, run, i), detail::Returned());
      static_assert(explain_objective<Objective, Run<Training>, decltype(result)>());
      if constexpr (objective_is_one<Objective, Run<Training>, decltype(result)>) return result;
    }
    return {};
  }

  template <class Objective, class Runner>
  static decltype(auto) call_objective(Objective& objective, Runner& run, int i) {
    if constexpr (call_fits<Objective, Runner, int>)
      return objective(run, i);
    else if constexpr (call_fits<Objective, Runner>)
      return objective(run);
    else
      return objective();
  }

  auto without_gradients(auto&& body) {
    const at::NoGradGuard guard;
    const EvalMode eval(model_);
    engine_.begin_evaluation();
    auto result = body();
    engine_.finish();
    return result;
  }

  // One small all-reduce carries what all ranks need to know of the step: loss, squared norm, and whether all
  // have as many rows, which is when the sum of their squares is the square of their sum over the ranks.
  Report make_report(const Tensor& loss, long rows) {
    const double number = static_cast<double>(rows), ranks = comm_.size();
    Tensor sums = at::tensor({0.0, 0.0, number, number * number}, at::kDouble).to(device_);
    sums[0] = loss;
    for (auto& unit : engine_.units())
      if (!unit.trained.empty()) sums[1] += sum_of_squares(unit.trained.part);
    const Tensor own_square = sums[1].clone();
    comm_.all_reduce(sums).wait();
    sums = sums.cpu();
    const double all_rows = sums[2].item().toDouble();
    if (ranks * sums[3].item().toDouble() != all_rows * all_rows)
      throw Error("train.8", "the same number of rows on every rank",
                  std::to_string(rows) + " of " + std::to_string(std::lround(all_rows)) + " on this one",
                  "give every rank an equal part of the batch, or weight your own objective");
    const Tensor square = shards_optimizer<Shard> ? sums[1] : own_square;
    Report report;
    report.step = step_ + 1;
    report.loss = sums[0].item().toDouble() / comm_.size();
    report.gradient_norm = std::sqrt(square.item().toDouble());
    report.learning_rate = optimizer_.learning_rate * recipe_.schedule.factor(step_);
    return report;
  }

  // Clips as torch's clip_grad_norm_ does, in float32.
  void update(const Report& report) {
    const float factor = std::min(
        1.0f, static_cast<float>(recipe_.clip_norm) / (static_cast<float>(report.gradient_norm) + 1e-6f));
    Tensor now;  // of a fused update
    for (auto& unit : engine_.units()) {
      Flat& flat = unit.trained;
      if (flat.empty()) continue;
      if constexpr (requires { Optimizer::fuses(flat.master); })
        if (!now.defined() && Optimizer::fuses(flat.master))
          now = at::tensor(
                    {report.learning_rate, static_cast<double>(factor), static_cast<double>(report.step)},
                    at::kFloat)
                    .to(device_);
      if (!now.defined() && factor < 1) flat.part.mul_(factor);
      const long numel = flat.master.numel();
      const long decaying = std::clamp(flat.layout.decaying - flat.master_begin, 0L, numel);
      update_part(flat, 0, decaying, true, report, now);
      update_part(flat, decaying, numel, false, report, now);
    }
    engine_.publish(/*rounds=*/!now.defined());
    ++step_;
  }

  void update_part(Flat& flat, long begin, long end, bool decays, const Report& report, const Tensor& now) {
    if (begin == end) return;
    auto part = [&](const Tensor& tensor) {
      return tensor.defined() ? tensor.narrow(0, begin, end - begin) : tensor;
    };
    std::vector<Tensor> states;
    for (const Tensor& state : flat.states) states.push_back(part(state));
    if constexpr (requires { Optimizer::fuses(flat.master); })
      if (now.defined())
        return optimizer_.update_fused(part(flat.master), part(flat.part), states,
                                       part(engine_.rounded(flat)), now, decays);
    optimizer_.update(part(flat.master), part(flat.part), states, report.learning_rate, decays, report.step);
  }

  // Throws, naming the first module whose output, or the first unit whose gradient, is not finite on any
  // rank.
  template <class Objective>
  [[noreturn]] void blame(Objective& objective, const Report& report) {
    std::vector<ModuleName> modules;
    list_modules(model_, Name(), modules);
    Watch<Training> watch(*this, modules);
    without_gradients([&] {
      for (int i = 0; i < recipe_.micro_batches; ++i) {
        if (i > 0) engine_.finish(), engine_.begin_evaluation();
        evaluate_objective(objective, watch, i);
      }
      return 0;
    });
    long gradient = Watch<Training>::none;
    for (size_t u = engine_.units().size(); u-- > 0;) {
      const Flat& flat = engine_.units()[u].trained;
      if (!flat.empty() && !all_finite(flat.part)) gradient = static_cast<long>(u);
    }
    Tensor own = at::tensor({watch.found(), gradient}, at::kLong).to(device_);
    Tensor all = own.repeat({comm_.size()});
    comm_.all_gather(all, own).wait();
    const Tensor first = std::get<0>(all.cpu().view({comm_.size(), 2}).min(0));
    const long module = first[0].item().toLong(), unit = first[1].item().toLong();
    auto quote = [](const Name& name) {
      return name.size > 0 ? "'" + std::string(name.view()) + "'" : "the root";
    };
    std::string where = "the objective itself";
    if (module != Watch<Training>::none)
      where = "the output of " + quote(modules[static_cast<size_t>(module)].name);
    else if (std::isfinite(report.loss) && unit != Watch<Training>::none)
      where = "the gradient of unit " + quote(engine_.units()[static_cast<size_t>(unit)].name);
    throw Error(
        "train.2", "a finite loss and gradient at step " + std::to_string(report.step),
        "loss " + std::to_string(report.loss) + " and gradient norm " + std::to_string(report.gradient_norm) +
            ", first not finite in " + where,
        "lower the learning rate or set Recipe::clip_norm; the parameters are those of the step before");
  }

  // `kept` on all ranks, whole and on the CPU.
  Tensor gather(const Tensor& kept, const Flat& flat) {
    if (kept.numel() == flat.layout.numel) return kept.cpu();
    Tensor whole = at::zeros({flat.layout.numel}, kept.options());
    comm_.all_gather(whole, kept).wait();
    return whole.cpu();
  }

  Model model_;
  Comm& comm_;
  c10::Device device_;
  Optimizer optimizer_;
  Recipe recipe_;
  std::deque<Site> sites_;  // in order of declaration; never moved
  size_t next_site_ = 0;
  Census census_;
  Engine<Shard, Precision, Comm> engine_;
  Binding binding_;
  RandomState random_;
  Run<Training> run_{*this};
  long step_ = 0;
  bool busy_ = false;
};

}  // namespace ashlar
