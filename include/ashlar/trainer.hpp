// Trainer: a strategy, as a type.
//
//     using Strategy = Trainer<shard::Zero3, precision::Bf16Mixed, offload::None, wrap::Each<Block>>;
//     auto trainer = Strategy::make<Model>(comm, optim::AdamW{.learning_rate = 3e-4});
//     for (...) trainer.step(inputs, targets);
//
// Needs no LibTorch header: composing and checking strategies is nearly free. Making one needs
// ashlar/training.hpp.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/optim/schedule.hpp>

namespace c10 {
struct Device;
}

namespace ashlar {

// What a run decides besides its strategy, model and optimizer. The same on every rank.
struct Recipe {
  std::uint64_t seed = 0;                                      // of the parameters and of dropout
  double clip_norm = std::numeric_limits<double>::infinity();  // of the gradient over all parameters
  int micro_batches = 1;                                       // forward and backward passes a step
  optim::Cosine schedule{};                                    // of the learning rate
};

// What a step did. The same on every rank.
struct Report {
  long step = 0;             // steps done, this one included
  double loss = 0;           // mean over the global batch, before the update
  double gradient_norm = 0;  // over all parameters, before clipping
  double learning_rate = 0;
};

template <class Strategy, class Model, class Comm, class Optimizer>
class Training;

namespace report {
struct Summary;  // of ashlar/report/trace.hpp
}
struct FullParameter;  // of ashlar/training.hpp
struct Identity;       // of ashlar/engine/agree.hpp
struct Plan;           // of ashlar/plan/plan.hpp

// Stands where a Training would, had its mistake not been explained already: it takes what is done with a
// Training, so that one mistake gives one error. Never made in a program that compiles: a body is there only
// where compilers would warn that a lambda or a local type meets a template without.
struct Refused {
  Report step(auto&&...) { return {}; }
  double evaluate(auto&&...) { return 0; }
  Tensor predict(auto&&...);
  std::vector<FullParameter> full_parameters();
  void for_each_saved(auto&&) {}
  void restored(long);
  Identity identity() const;
  Plan plan(auto&&...) const;
  c10::Device device() const;
  const Recipe& recipe() const;
  long steps() const;
  bool replayed() const;
  void trace(auto&&) {}
  const report::Summary& traced() const;
  Refused& engine();
  Refused& run();
  Tensor operator()(auto&&...);  // as run() is called
};

template <class Model, class Comm>
struct RefusedTraining : Refused {
  using Communicator = std::conditional_t<trainer_communicator<Comm>, Comm, CommunicatorArchetype>;
  Model& model() { throw 0; }
  Communicator& communicator() { throw 0; }
};

namespace checkpoint {
struct None;  // of ashlar/checkpoint/none.hpp: the core includes no policy
}
namespace replay {
struct Graph;  // of ashlar/replay/graph.hpp
}

// Chosen only when the policies do not compose: it explains, and takes what is done with it.
template <class Shard, class Precision = detail::Missing, class Offload = detail::Missing,
          class Wrap = detail::Missing, class Checkpoint = checkpoint::None, class Replay = replay::Graph>
class Trainer {
  static_assert(explain_all<Shard, Precision, Offload, Wrap, Checkpoint, Replay>());

 public:
  static constexpr bool refused = true;

  template <class Model, class Comm>
  static RefusedTraining<Model, Comm> make(Comm&, auto&&, Recipe = {}) {
    return {};
  }
  template <class Model, class Comm>
  static RefusedTraining<Model, Comm> make(Model, Comm&, auto&&, Recipe = {}) {
    return {};
  }
};

template <class ShardPolicy, class PrecisionPolicy, class OffloadPolicy, class WrapPolicy,
          class CheckpointPolicy, class ReplayPolicy>
  requires composable<ShardPolicy, PrecisionPolicy, OffloadPolicy, WrapPolicy, CheckpointPolicy> &&
           replay_policy<ReplayPolicy>
class Trainer<ShardPolicy, PrecisionPolicy, OffloadPolicy, WrapPolicy, CheckpointPolicy, ReplayPolicy> {
 public:
  using Shard = ShardPolicy;
  using Precision = PrecisionPolicy;
  using Offload = OffloadPolicy;
  using Wrap = WrapPolicy;
  using Checkpoint = CheckpointPolicy;
  using Replay = ReplayPolicy;

  // A declared model, initialised from the recipe's seed. Collective: every rank of `comm` calls it with
  // equal arguments; ranks that differ end with an Error. `comm` must outlive what is returned.
  template <class Model, class Comm, class Optimizer>
  static auto make(Comm& comm, Optimizer optimizer, Recipe recipe = {}) {
    if constexpr (misplaced<Model, Comm, Optimizer, Recipe>) {
      static_assert(explain_make<Comm&, Optimizer>());
      return RefusedTraining<Model, CommunicatorArchetype>();
    } else if constexpr (trainable<Model> && starts_by_itself<Model>) {
      return make(Model{}, comm, std::move(optimizer), recipe);
    } else {
      static_assert(explain_start<Model>());
      return RefusedTraining<Model, Comm>();
    }
  }

  // A model that has values already, such as a torch::nn module: rank 0's are used on every rank.
  template <class Model, class Comm, class Optimizer>
  static auto make(Model model, Comm& comm, Optimizer optimizer, Recipe recipe = {}) {
    using Made = Training<Trainer, Model, Comm, Optimizer>;
    static_assert(explain_given<Trainer, Model, Comm, Optimizer, Recipe>());
    if constexpr (!usable<Trainer, Model, Comm, Optimizer>) {
      return RefusedTraining<Model, Comm>();
    } else if constexpr (!complete_type<Made>) {
      static_assert(complete_type<Made>,
                    "[ashlar.trainer.9] a strategy trains with LibTorch, whose headers it does without until "
                    "then: include ashlar/training.hpp, or ashlar/ashlar.hpp");
      return RefusedTraining<Model, Comm>();
    } else {
      return Made(std::move(model), comm, std::move(optimizer), recipe);
    }
  }

  // Anything else.
  template <class Model = Refused>
  static auto make(auto&&... given) {
    static_assert(explain_make<decltype(given)...>());
    return RefusedTraining<Model, CommunicatorArchetype>();
  }
  template <class Model = Refused>
  static auto make(auto&& first, auto&& second, Recipe) {
    return make<Model>(first, second, nullptr);
  }
};

}  // namespace ashlar
