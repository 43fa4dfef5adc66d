// processes: 1 2
// A run that was saved and resumed is, bit for bit, the run that was not stopped.
#include <ashlar/state/training.hpp>

#include <array>
#include <vector>

#include <ATen/ATen.h>
#include <boost/hana/define_struct.hpp>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/policies.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"
#include "support/full_parameters.hpp"
#include "support/shared_directory.hpp"

namespace ashlar {
namespace {

// Dropout draws from the generator that the trainer seeds, in every forward that autograd records or repeats.
struct Layer {
  using Up = nn::Linear<6, 10>;
  using Down = nn::Linear<10, 6>;
  BOOST_HANA_DEFINE_STRUCT(Layer, (Up, up), (Down, down));
  auto forward(auto& run, const auto& x) const {  // (B, 6) -> same
    return x + run(down, at::dropout(at::relu(run(up, x)), 0.3, /*train=*/true));
  }
};

struct Model {
  using Layers = std::array<Layer, 2>;
  using Head = nn::Linear<6, 3>;
  BOOST_HANA_DEFINE_STRUCT(Model, (Layers, layers), (Head, head));
  auto forward(auto& run, const auto& input) const {  // (B, 6) -> (B, 3)
    auto x = input;
    for (const Layer& layer : layers) x = run(layer, x);
    return run(head, x);
  }
  auto loss(auto& run, const auto& x, const auto& y) const {
    return at::mse_loss(forward(run, x).to(at::kFloat), y);
  }
};

// A part of the step's batch, the same whenever the step is asked for.
std::array<Tensor, 2> batch(long step, int rank) {
  const auto random = at::detail::createCPUGenerator(static_cast<std::uint64_t>(1000 * step + rank));
  return {at::randn({4, 6}, random, at::kFloat), at::randn({4, 3}, random, at::kFloat)};
}

constexpr optim::AdamW adamw{.learning_rate = 1e-2};

Recipe recipe(std::uint64_t seed = 3) {
  return {.seed = seed, .clip_norm = 1, .micro_batches = 2, .schedule = {.warmup = 3, .total = 10}};
}

std::vector<double> steps(auto& trainer, long until) {
  std::vector<double> numbers;
  while (trainer.steps() < until) {
    const auto [x, y] = batch(trainer.steps(), trainer.communicator().rank());
    const Report report = trainer.step(x, y);
    for (const double number : {report.loss, report.gradient_norm, report.learning_rate})
      numbers.push_back(number);
  }
  return numbers;
}

template <class Shard, class Precision, class Checkpoint = checkpoint::None>
using Strategy = Trainer<Shard, Precision, offload::None, wrap::Each<Layer>, Checkpoint>;

using Zero3 = Strategy<shard::Zero3, precision::Fp32>;

TEMPLATE_TEST_CASE("stopped after 5 steps and resumed: the same 10 steps, bit for bit", "", Zero3,
                   (Strategy<shard::Zero1, precision::Bf16Pure>),
                   (Trainer<shard::Zero3, precision::Bf16Split, offload::OptimizerToHost, wrap::Each<Layer>>),
                   (Strategy<shard::Zero3, precision::Fp32, checkpoint::Recompute>)) {
  comm::Mpi comm;
  const test::SharedDirectory directory(comm);
  std::vector<double> expected;
  std::vector<FullParameter> whole;
  {
    auto trainer = TestType::template make<Model>(comm, adamw, recipe());
    steps(trainer, 5);
    expected = steps(trainer, 10);
    whole = trainer.full_parameters();
  }
  {
    auto trainer = TestType::template make<Model>(comm, adamw, recipe());
    steps(trainer, 5);
    state::save(directory, trainer, "the caller's own");
    steps(trainer, 7);  // what came after the save leaves no trace
  }
  at::manual_seed(99);
  auto trainer = TestType::template make<Model>(comm, adamw, recipe());
  steps(trainer, 2);
  at::rand({7});
  CHECK(state::resume(directory, trainer) == "the caller's own");
  CHECK(trainer.steps() == 5);
  CHECK(steps(trainer, 10) == expected);
  test::check_equal(trainer.full_parameters(), whole);
}

TEST_CASE("dropout is seen by this test: without the random state the losses differ") {
  comm::Mpi comm;
  const test::SharedDirectory directory(comm);
  auto trainer = Zero3::make<Model>(comm, adamw, recipe());
  steps(trainer, 5);
  state::save(directory, trainer);
  const auto expected = steps(trainer, 6);
  state::resume(directory, trainer);
  at::manual_seed(99);
  CHECK(steps(trainer, 6) != expected);
}

TEST_CASE("SGD's velocity comes back, too") {
  comm::Mpi comm;
  const test::SharedDirectory directory(comm);
  const optim::Sgd sgd{.learning_rate = 1e-2, .momentum = 0.9};
  auto trainer = Zero3::make<Model>(comm, sgd, recipe());
  steps(trainer, 5);
  state::save(directory, trainer);
  const auto expected = steps(trainer, 10);
  const auto whole = trainer.full_parameters();
  state::resume(directory, trainer);
  CHECK(steps(trainer, 10) == expected);
  test::check_equal(trainer.full_parameters(), whole);
}

TEST_CASE("a chosen step, of those that are kept") {
  comm::Mpi comm;
  const test::SharedDirectory directory(comm);
  auto trainer = Zero3::make<Model>(comm, adamw, recipe());
  for (long step = 1; step <= 3; ++step) {
    steps(trainer, step);
    state::save(directory, trainer, std::to_string(step));
  }
  CHECK(state::resume(directory, trainer, 2) == "2");
  CHECK(trainer.steps() == 2);
  CHECK_THAT(test::sentence([&] { state::resume(directory, trainer, 1); }),
             Catch::Matchers::ContainsSubstring("only those of step 2, 3"));
}

TEST_CASE("another strategy, optimizer, seed or nothing at all is refused, and changes nothing") {
  using Catch::Matchers::ContainsSubstring;
  comm::Mpi comm;
  const test::SharedDirectory directory(comm);
  auto saved = Zero3::make<Model>(comm, adamw, recipe());
  CHECK_THAT(test::sentence([&] { state::resume(directory, saved); }),
             ContainsSubstring(comm.rank() == 0 ? "[ashlar.state.3]" : "[ashlar.state.2]"));
  steps(saved, 1);
  state::save(directory, saved);

  const auto refused = [&](auto trainer_of, const char* part) {
    auto trainer = trainer_of();
    const auto before = trainer.full_parameters();
    CHECK_THAT(test::sentence([&] { state::resume(directory, trainer); }),
               ContainsSubstring("[ashlar.state.6]") && ContainsSubstring(part));
    CHECK(trainer.steps() == 0);
    test::check_equal(trainer.full_parameters(), before);
  };
  refused([&] { return Strategy<shard::Zero1, precision::Fp32>::make<Model>(comm, adamw, recipe()); },
          "strategy");
  refused([&] { return Zero3::make<Model>(comm, optim::Sgd{}, recipe()); }, "Sgd");
  refused([&] { return Zero3::make<Model>(comm, adamw, recipe(4)); }, "seed 4");
  refused([&] { return Zero3::make<Model>(comm, optim::AdamW{.beta2 = 0.99}, recipe()); }, "beta2 0.99");

  // Learning rate and schedule may be others.
  auto slower = Zero3::make<Model>(comm, optim::AdamW{.learning_rate = 1e-4},
                                   {.seed = 3, .clip_norm = 1, .micro_batches = 2});
  state::resume(directory, slower);
  test::check_equal(slower.full_parameters(), saved.full_parameters());
}

}  // namespace
}  // namespace ashlar
