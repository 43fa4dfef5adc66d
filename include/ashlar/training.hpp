// Training: one strategy at work on one model, in one process of the world.
#pragma once

#include <ashlar/cxx20.hpp>

#include <ATen/Context.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <ashlar/comm/during.hpp>
#include <ashlar/comm/launch.hpp>
#include <ashlar/engine/agree.hpp>
#include <ashlar/engine/binding.hpp>
#include <ashlar/engine/blame.hpp>
#include <ashlar/engine/engine.hpp>
#include <ashlar/engine/eval_mode.hpp>
#include <ashlar/engine/objective.hpp>
#include <ashlar/engine/recipe.hpp>
#include <ashlar/engine/replay.hpp>
#include <ashlar/engine/run.hpp>
#include <ashlar/engine/sums.hpp>
#include <ashlar/engine/tracing.hpp>
#include <ashlar/kernels/ops.hpp>
#include <ashlar/kernels/optim.hpp>
#include <ashlar/model/bind.hpp>
#include <ashlar/model/tensors.hpp>
#include <ashlar/parallel.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/trainer.hpp>

namespace ashlar {

// A parameter as a whole, gathered from all ranks: on the CPU, in the master type.
struct FullParameter {
  std::string name;
  Tensor value;                // ND
  std::vector<Tensor> states;  // ND, the optimizer's; none if frozen
};

namespace detail {

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

}  // namespace detail

template <class Strategy, class Model, class Comm, class Optimizer>
class Training {
  using Shard = typename Strategy::Shard;
  using Precision = typename Strategy::Precision;
  using Wrap = typename Strategy::Wrap;
  using Checkpoint = typename Strategy::Checkpoint;
  using Joint = comm::Joint;

  static constexpr memory rests = Strategy::Offload::optimizer;  // where the optimizer does
  // Whether an update may be one pass on the GPU, and a step on a batch a CUDA graph.
  static constexpr bool fuses = cuda::has_kernels && fusing_optimizer<Optimizer> && rests == memory::device;
  static constexpr bool replays = Strategy::Replay::captures && fuses && capturable<Comm>;
  // Whether one on the host is one pass.
  static constexpr bool passes_once =
      rests == memory::host && host_optimizer<Optimizer> && Precision::master == dtype::f32;

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
        recipe_(checked(recipe, optimizer_)),
        census_(take_census<Wrap, Checkpoint>(model_)),
        engine_(comm_, device_, census_, Optimizer::states),
        replaying_(device_) {
    for (const Stop& stop : census_.stops) sites_.add(stop.module, stop.unit, this);
    const comm::During during(Joint::make, comm_.size());
    require_versions();
    if constexpr (rests == memory::host) share_threads(comm_.size() > 1 ? comm::local_world() : 1);
    if constexpr (fuses) {
      fused_ = std::ranges::all_of(engine_.units(), [this](auto& unit) {
        return unit.trained.empty() || Optimizer::fuses(engine_.kept(unit.trained));
      });
      if (fused_) now_ = zeros(3, dtype::f32, device_);
    }
    agree(comm_, device_, identity());
    require_statistics(model_, scalar_type(Precision::compute), device_);
    binding_ = ashlar::bind(list_tensors(model_), engine_, census_, comm_, device_, recipe_.seed);
    bind_ties(model_);
    binding_.intact.settle();
    engine_.publish_masters();
    at::manual_seed(parameter_seed(recipe_.seed, "rank") + static_cast<std::uint64_t>(comm_.rank()));
  }

  Training(const Training&) = delete;  // sites, model and leaves point into one another
  Training& operator=(const Training&) = delete;

  // One optimizer step on this rank's part of the global batch, cut along dimension 0 into the recipe's
  // micro-batches. The model's loss(run, inputs, targets) is the mean over what it is given.
  Report step(const Tensor& inputs, const Tensor& targets) {
    const comm::During during(Joint::step, comm_.size());
    const long rows = rows_to_train(inputs, targets, recipe_.micro_batches);
    const Busy busy(busy_);
    const Recording recording(*this);
    const Tensor x = to_compute(inputs), y = to_device(targets);
    const auto loss_on = [this, size = rows / recipe_.micro_batches](const Tensor& in, const Tensor& due) {
      return [=, this](auto& run, int i) {
        return loss_of(model_, run, in.narrow(0, i * size, size), due.narrow(0, i * size, size));
      };
    };
    const auto work = [&](const Tensor& in, const Tensor& due) { return launch(loss_on(in, due), rows); };
    begin_step();
    if constexpr (replays)
      if (fused_) {
        engine_.forget_parts();  // a capture takes memory of its own, and comes back to it
        const Tensor told = replaying_.step(x, y, tracing_ || breach_, work);
        if (replaying_.replayed()) engine_.forget_parts();
        return conclude(loss_on(x, y), rows, told);
      }
    return conclude(loss_on(x, y), rows, work(x, y));
  }

  // The same for any objective: called as objective(run, i), objective(run) or objective() for each
  // micro-batch i, it returns the scalar to minimise, each rank's of equal weight. It runs declared modules
  // through `run`; torch modules run as they always do.
  template <class Objective>
  Report step(Objective&& objective) {
    const comm::During during(Joint::step, comm_.size());
    const Busy busy(busy_);
    const Recording recording(*this);
    begin_step();
    constexpr long unknown = 0;
    return conclude(objective, unknown, launch(objective, unknown));
  }

  // The mean of an objective over the ranks, without gradients, with torch modules in eval mode.
  template <class Objective>
  double evaluate(Objective&& objective) {
    const comm::During during(Joint::evaluate, comm_.size());
    return evaluate_with_weight(objective, 1);
  }
  // The mean loss over the rows of all ranks, which need not have the same number.
  double evaluate(const Tensor& inputs, const Tensor& targets) {
    const comm::During during(Joint::evaluate, comm_.size());
    const long rows = rows_to_evaluate(inputs, targets);
    return evaluate_with_weight([&, x = to_compute(inputs),
                                 y = targets.to(device_)](auto& run) { return loss_of(model_, run, x, y); },
                                rows);
  }

  // The model's forward, without gradients. Collective: every rank calls it.
  template <class... Inputs>
  auto predict(const Inputs&... inputs) {
    const comm::During during(Joint::predict, comm_.size());
    const Busy busy(busy_);
    require_intact(Intact::When::between_steps);
    auto output =
        without_gradients(model_, engine_, [&] { return call(model_, run_, to_compute(inputs)...); });
    require_intact(Intact::When::in_forward);
    return output;
  }

  // Every parameter and its optimizer state, whole. Collective, and as large as the model on every rank.
  std::vector<FullParameter> full_parameters() {
    const comm::During during(Joint::full_parameters, comm_.size());
    require_intact(Intact::When::between_steps);
    engine_.finish_updates();
    std::vector<std::array<std::vector<Tensor>, 2>> whole;  // by unit: trained, frozen
    for (auto& unit : engine_.units()) {
      auto& [trained, frozen] = whole.emplace_back();
      if (!unit.trained.empty()) {
        trained.push_back(gather(engine_.master(unit.trained), unit.trained));
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

  // Records the next step: what each rank computes and sends, and when, goes to `file`, which a timeline
  // viewer such as Perfetto shows. Called by all ranks. A step that would be replayed is captured anew for
  // it, and so is the one after. Throws report.3 if the file cannot be written.
  void trace(std::filesystem::path file) { tracing_.emplace(std::move(file), comm_.rank(), device_); }
  // Of the last step that was recorded: the mean over the ranks.
  const report::Summary& traced() const { return traced_; }

  // Calls visit(name, tensor) for all that this rank must keep to go on bit for bit: shards, optimizer state,
  // buffers, random state. Whoever copies other values into them calls restored() then.
  void for_each_saved(auto&& visit) {
    require_intact(Intact::When::between_steps);
    engine_.finish_updates();
    for (auto& unit : engine_.units()) {
      const std::string prefix = unit.name.size > 0 ? std::string(unit.name.view()) + "/" : "root/";
      if (!unit.trained.empty()) {
        if constexpr (splits_master<Precision>) visit(prefix + "compute", engine_.rounded(unit.trained));
        visit(prefix + (splits_master<Precision> ? "rest" : "master"), engine_.kept(unit.trained));
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
    engine_.publish_masters();
    step_ = step;
  }

  // Strategy, model, recipe and schedule in words. Equal on every rank; a checkpoint matches all but the
  // last.
  Identity identity() const {
    return identify(plan(), census_, shapes_, words(recipe_, words(optimizer_)),
                    schedule_words(recipe_, optimizer_.learning_rate));
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
    const auto symbols = [&](Tape& tape) {
      const auto symbol = [&](const Tensor& input) {
        Shape shape;
        for (const long size : input.sizes())
          shape.push_back(shape.empty() ? size / recipe_.micro_batches : size);
        return Symbol(tape, shape, input.is_floating_point() ? Values::compute : Values::i64);
      };
      return std::tuple(symbol(inputs)...);
    };
    planned.work =
        rehearse<Strategy, Model>(device_.is_cpu() ? kernels::cpu : kernels::cuda, symbols, parts_of(planned),
                                  recipe_.micro_batches, fused_ ? 0 : planned.joined);
    return planned;
  }

  Model& model() { return model_; }
  Comm& communicator() { return comm_; }
  c10::Device device() const { return device_; }
  const Recipe& recipe() const { return recipe_; }
  long steps() const { return step_; }
  bool replayed() const { return replaying_.replayed(); }  // whether the last step was a CUDA graph's

  // What engine and executors call.
  Engine<Shard, Precision, Comm, rests>& engine() { return engine_; }
  Run<Training>& run() { return run_; }

  void require_declared(const torch::nn::Module& module) { binding_.claims.require_declared(module); }

  template <class M>
  Site& site(const M& module) {
    return sites_.at(id_of(module));
  }

 private:
  // The engine tells the recorder, where there is one, of a step and of nothing else.
  class Recording {
   public:
    explicit Recording(Training& trainer) : engine_(trainer.engine_) {
      if (!trainer.tracing_) return;
      trainer.tracing_->restart(trainer.device_);
      engine_.record(&trainer.tracing_->recorder());
    }
    ~Recording() { engine_.record(nullptr); }
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;

   private:
    Engine<Shard, Precision, Comm, rests>& engine_;
  };

  using Busy = detail::Busy;
  using Lane = report::Lane;

  // A rank with a breach goes on to the sums, where all ranks hear of it. Alone it need not.
  void begin_step() {
    breach_ = breach(Intact::When::between_steps);
    if (breach_ && comm_.size() == 1) throw *breach_;
    const bool wrote = binding_.intact.take_written();
    if (wrote != wrote_) replaying_.drop();  // a captured step tells of it, or does not
    wrote_ = wrote;
    tell_time();
  }

  // The numbers of a step that its device reads: rate, factor on the gradient, and step.
  void tell_time() {
    if (fused_) set_time(now_, rate(), step_ + 1);
  }

  std::optional<Error> breach(Intact::When when) {
    if (when == Intact::When::between_steps && binding_.intact.released()) {
      if (auto found = replaced()) return found;
      binding_.intact.settle();
    }
    return binding_.intact.breach(when, comm_.size() == 1 && census_.layers == 0);
  }
  // A parameter that a module has registered in place of one that is trained.
  std::optional<Error> replaced() {
    size_t n = 0;
    for (const ModelTensor& tensor : list_tensors(model_)) {
      if (tensor.role == Role::buffer) continue;
      if (!tensor.declared())
        if (auto found = binding_.intact.replaced(n, tensor.name, tensor.own)) return found;
      ++n;
    }
    return std::nullopt;
  }
  void require_intact(Intact::When when) {
    if (const auto found = breach(when)) throw *found;
  }

  // What forward() returns, and whether the parameters were intact before it (breach_) and after it. What it
  // throws may come of a breach.
  auto run_intact(auto&& forward) {
    try {
      auto result = forward();
      if (!breach_) breach_ = breach(Intact::When::in_forward);
      return result;
    } catch (const c10::Error& error) {
      if (breach_) throw *breach_;
      if (!sites_.empty()) detail::explain_unused(error);
      throw;
    } catch (...) {
      if (breach_) throw *breach_;
      throw;
    }
  }

  double rate() const { return optimizer_.learning_rate * recipe_.schedule.factor(step_); }

  // All that a device does of a step by itself: gradients, sums over the ranks and, where it is fused, the
  // update. `rows`: of this rank's part of the batch, which must be every rank's.
  template <class Objective>
  Tensor launch(Objective&& objective, long rows) {
    const Tensor told = sum_up(run_intact([&] { return gradients(objective); }), rows);
    if constexpr (fuses)
      if (fused_) {
        cuda::judge(told, shards_optimizer<Shard> ? 1 : 4, now_, recipe_.clip_norm, comm_.size());
        for (auto& unit : engine_.units())
          if (const Flat& flat = unit.trained; !flat.empty()) {
            engine_.computes(Lane::optimizer, unit.name, "update");
            for_each_part(flat, [&](auto part, const std::vector<Tensor>& states, bool decays) {
              optimizer_.update_fused(part(engine_.kept(flat)), part(flat.part), states,
                                      part(engine_.rounded(flat)), now_, decays);
            });
            engine_.computed();
          }
        engine_.publish();
      }
    if (tracing_) tracing_->recorder().join();
    return told;
  }

  // Forward and backward of all micro-batches. The square of each unit's gradient is made while those of
  // others are on their way.
  template <class Objective>
  Counts gradients(Objective&& objective) {
    const int count = recipe_.micro_batches;
    Counts counts(engine_.units().size(), device_);
    for (int i = 0; i < count; ++i) {
      engine_.begin_training(i, count);
      const Tensor part = as_trainable(value_of(objective, run_, i));
      engine_.begin_backward();
      run_backward(part, 1.0 / (count * comm_.size()));
      counts.add_loss(part);
      engine_.after_backward(0);
      engine_.finish([&](size_t unit) {
        if (i + 1 < count) return;
        engine_.computes(Lane::optimizer, engine_.units()[unit].name, "norm");
        add_squares(counts.square(unit), engine_.units()[unit].trained.part);
        engine_.computed();
      });
    }
    return counts;
  }

  // What all ranks then know of a step: see Counts.
  Tensor sum_up(const Counts& counts, long rows) {
    Tensor told = counts.told(recipe_.micro_batches, rows, breach_.has_value(), wrote_),
           sums = told.narrow(0, 0, 4);
    auto work =
        engine_.send(Lane::sums, Name(), "loss and norm", sums, [&] { return comm_.all_reduce(sums); });
    work.wait();
    if (tracing_) tracing_->recorder().meet();
    return told;
  }

  // Waits for what was launched, and ends the step.
  template <class Objective>
  Report conclude(Objective&& objective, long rows, const Tensor& told) {
    const Tensor on_host = told.cpu();
    if (breach_) replaying_.drop();  // what was captured would tell of it for ever
    if (auto unequal = unequal_writes(on_host, comm_.size(), rows)) {
      binding_.intact.spoil(*unequal);
      throw *unequal;
    }
    const Report report =
        report_of(on_host, comm_.size(), rows, shards_optimizer<Shard>, step_ + 1, rate(), breach_);
    if (!std::isfinite(report.loss) || !std::isfinite(report.gradient_norm)) {
      if (replaying_.replayed()) {  // its gradients are gone, and launched again they are the same
        replaying_.drop();
        gradients(objective);
      }
      blame(*this, objective, report);
    }
    if (!fused_) update(report);
    ++step_;
    if (tracing_) {
      traced_ = tracing_->finish(comm_, device_);
      replaying_.drop();  // it leaves marks for this recorder
      tracing_.reset();
    }
    return report;
  }

  template <class Objective>
  double evaluate_with_weight(Objective&& objective, long weight) {
    const Busy busy(busy_);
    breach_ = breach(Intact::When::between_steps);
    const Tensor own = run_intact([&] {
      return without_gradients(model_, engine_, [&] { return as_scalar(value_of(objective, run_, 0)); });
    });
    Tensor sums = weighted(own, weight, breach_.has_value());
    comm_.all_reduce(sums).wait();
    return mean_of(sums, breach_);
  }

  Tensor to_compute(const Tensor& input) const {
    const bool casts = input.defined() && input.is_floating_point();
    return to_device(casts ? input.to(device_, scalar_type(Precision::compute)) : input);
  }

  // Autograd saves no tensor that was made in InferenceMode, but it saves a copy.
  Tensor to_device(const Tensor& input) const {
    if (!input.defined()) return input;
    return input.is_inference() ? input.to(device_).clone() : input.to(device_);
  }

  // Clips as torch's clip_grad_norm_ does, in float32.
  void update(const Report& report) {
    const float factor = std::min(
        1.0f, static_cast<float>(recipe_.clip_norm) / (static_cast<float>(report.gradient_norm) + 1e-6f));
    engine_.update([this, factor, rate = report.learning_rate, step = report.step](const Flat& flat) {
      const Tensor& due = engine_.due(flat);
      if constexpr (passes_once) {
        for_each_part(flat, [&](auto part, const std::vector<Tensor>& states, bool decays) {
          optimizer_.update_on_host(part(engine_.kept(flat)), part(due), states, part(engine_.rounded(flat)),
                                    rate, factor, decays, step);
        });
      } else {
        if (factor < 1) due.mul_(factor);
        const Tensor master = engine_.master(flat);
        for_each_part(flat, [&](auto part, const std::vector<Tensor>& states, bool decays) {
          optimizer_.update(part(master), part(due), states, rate, decays, step);
        });
        engine_.round(flat, master);
      }
    });
  }

  // Calls update(part, states, decays) for what decays of a flat and for what does not; part(tensor) is that
  // much of a tensor like master.
  static void for_each_part(const Flat& flat, auto&& update) {
    const long numel = shards_optimizer<Shard> ? flat.layout.shard : flat.layout.numel;
    const long decaying = std::clamp(flat.layout.decaying - flat.master_begin, 0L, numel);
    for (const bool decays : {true, false}) {
      const long begin = decays ? 0 : decaying, end = decays ? decaying : numel;
      if (begin == end) continue;
      const auto part = [&](const Tensor& tensor) {
        return tensor.defined() ? tensor.narrow(0, begin, end - begin) : tensor;
      };
      std::vector<Tensor> states;
      for (const Tensor& state : flat.states) states.push_back(part(state));
      update(part, states, decays);
    }
  }

  // `kept` on all ranks, whole and on the CPU.
  Tensor gather(const Tensor& kept, const Flat& flat) {
    if (kept.numel() == flat.layout.numel) return kept.cpu();
    const Tensor own = kept.to(device_);
    Tensor whole = at::zeros({flat.layout.numel}, own.options());
    comm_.all_gather(whole, own).wait();
    return whole.cpu();
  }

  Model model_;
  Comm& comm_;
  c10::Device device_;
  Optimizer optimizer_;
  Recipe recipe_;
  Sites sites_;
  Census census_;
  const std::string shapes_ = shapes_in_words(list_tensors(model_));
  Engine<Shard, Precision, Comm, rests> engine_;
  Binding binding_;
  RandomState random_;
  Run<Training> run_{*this};
  std::conditional_t<replays, Replaying, NotReplaying> replaying_;
  Tensor now_;                      // (3), float32: rate, factor and step, where the update is fused
  bool fused_ = false;              // one pass a part, on the GPU
  std::optional<Tracing> tracing_;  // of the next step
  report::Summary traced_;
  long step_ = 0;
  bool busy_ = false;
  bool wrote_ = false;           // the user did, into parameters, before the step that runs
  std::optional<Error> breach_;  // of the step or evaluation that runs
};

}  // namespace ashlar
