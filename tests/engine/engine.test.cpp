// Engine: what only a run can know is an error with an id, the same on every rank, and leaves a trainer that
// goes on as if nothing had been.
// processes: 1 2
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>

#include <limits>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/policies.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;
using test::sentence;

// What a rank may do wrong, or come upon.
enum class Fault { none, copy, throws, infinite_gradient };

struct Layer {
  using Inner = nn::Linear<6, 6>;
  BOOST_HANA_DEFINE_STRUCT(Layer, (Inner, inner));
  Fault fault = Fault::none;

  Tensor forward(auto& run, const Tensor& x) const {  // (R, 6) -> same
    if (fault == Fault::throws) throw std::runtime_error("a layer's own mistake");
    Tensor y = at::tanh(run(inner, x));
    if (fault == Fault::infinite_gradient)
      y = y + at::sqrt(0 * (*inner.bias).square());  // 0, of slope 0 * inf
    return x + y;
  }
};

struct Net {
  using Layers = std::array<Layer, 3>;
  using Head = nn::Linear<6, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layers, layers), (Head, head));
  std::vector<std::size_t> order{0, 1, 2};  // in which the layers run
  Fault fault = Fault::none;

  Tensor forward(auto& run, Tensor x) const {  // (R, 6) -> (R, 1)
    for (const std::size_t i : order) {
      const Layer copy = layers[i];
      x = run(fault == Fault::copy ? copy : layers[i], x);
    }
    return run(head, x);
  }
  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const { return at::mse_loss(forward(run, x), y); }
};

template <class Shard>
using Units = Trainer<Shard, precision::Fp32, offload::None, wrap::Each<Layer>>;

struct Batch {
  Tensor x, y;  // (4, 6), (4, 1)
};
Batch batch(int rank) {
  const Tensor x = (at::arange(24, at::kFloat).view({4, 6}) + 5.0 * rank).sin();
  return {x, x.sum(1, true).cos()};
}

// A step after the fault is, bit for bit, the step that a trainer without a fault takes.
template <class Shard>
void check_fault(comm::Mpi& comm, const std::string& id, auto fault, auto undo, auto call) {
  INFO(std::string(Shard::name) << ", " << id);
  const Batch own = batch(comm.rank());
  auto trainer = Units<Shard>::template make<Net>(comm, optim::Sgd{});
  auto calm = Units<Shard>::template make<Net>(comm, optim::Sgd{});
  trainer.step(own.x, own.y);
  calm.step(own.x, own.y);

  fault(trainer.model());
  std::string said;
  try {
    call(trainer, own);
  } catch (const std::exception& error) {
    said = error.what();
  }
  CHECK_THAT(said, ContainsSubstring(id));
  CHECK(trainer.steps() == 1);

  undo(trainer.model());
  CHECK(trainer.step(own.x, own.y).loss == calm.step(own.x, own.y).loss);
  const auto got = trainer.full_parameters(), due = calm.full_parameters();
  for (std::size_t i = 0; i < due.size(); ++i) CHECK(got[i].value.equal(due[i].value));
  CHECK(trainer.evaluate(own.x, own.y) == calm.evaluate(own.x, own.y));
}

void check_fault(comm::Mpi& comm, const std::string& id, auto fault, auto undo, auto call) {
  check_fault<shard::Replicate>(comm, id, fault, undo, call);
  check_fault<shard::Zero2>(comm, id, fault, undo, call);
  check_fault<shard::ShardGradOp>(comm, id, fault, undo, call);
  check_fault<shard::Zero3>(comm, id, fault, undo, call);
}

const auto step = [](auto& trainer, const Batch& own) { trainer.step(own.x, own.y); };
const auto evaluate = [](auto& trainer, const Batch& own) { trainer.evaluate(own.x, own.y); };

TEST_CASE("model.14: a sharded parameter is read while its unit runs, and between steps not at all") {
  comm::Mpi comm;
  const Batch own = batch(comm.rank());
  auto trainer = Units<shard::Zero3>::make<Net>(comm, optim::Sgd{});
  const auto& weight = trainer.model().layers[1].inner.weight;
  CHECK_THAT(sentence([&] { *weight; }), ContainsSubstring("[ashlar.model.14]"));
  trainer.step(own.x, own.y);
  CHECK_THAT(sentence([&] { *weight; }), ContainsSubstring("[ashlar.model.14]"));
  CHECK_THAT(sentence([&] {
               trainer.evaluate(
                   [&](auto& run) { return trainer.model().loss(run, own.x, own.y) + (*weight).sum(); });
             }),
             ContainsSubstring("[ashlar.model.14]"));

  auto whole = Units<shard::Zero2>::make<Net>(comm, optim::Sgd{});
  CHECK((*whole.model().layers[1].inner.weight).numel() == 36);
}

TEST_CASE("schedule.1: a unit runs once a micro-batch, in the order of declaration") {
  comm::Mpi comm;
  const auto in_order = [](Net& net) { net.order = {0, 1, 2}; };
  for (const std::vector<std::size_t>& order :
       {std::vector<std::size_t>{0, 0, 1, 2}, {0, 1, 2, 2}, {1, 0, 2}, {0, 2, 1}, {2, 1, 0}, {0, 1, 2, 0}}) {
    INFO("order " << order[0] << order[1] << order[2]);
    const auto out_of_order = [&](Net& net) { net.order = order; };
    check_fault(comm, "[ashlar.schedule.1]", out_of_order, in_order, step);
    check_fault<shard::Zero3>(comm, "[ashlar.schedule.1]", out_of_order, in_order, evaluate);
    check_fault<shard::ShardGradOp>(comm, "[ashlar.schedule.1]", out_of_order, in_order, evaluate);
  }
}

TEST_CASE("schedule.1 names the unit") {
  comm::Mpi comm;
  auto trainer = Units<shard::Zero3>::make<Net>(comm, optim::Sgd{});
  trainer.model().order = {0, 1, 1, 2};
  const Batch own = batch(0);
  CHECK_THAT(sentence([&] { trainer.evaluate(own.x, own.y); }),
             ContainsSubstring("'layers.1' again or out of order"));
}

TEST_CASE("model.6: run() is given the model's own members") {
  comm::Mpi comm;
  const auto copies = [](Net& net) { net.fault = Fault::copy; };
  const auto passes = [](Net& net) { net.fault = Fault::none; };
  check_fault(comm, "[ashlar.model.6]", copies, passes, step);
  check_fault(comm, "[ashlar.model.6]", copies, passes, evaluate);
}

TEST_CASE("an exception of the model's own leaves the trainer as it was") {
  comm::Mpi comm;
  const auto throws = [](Net& net) { net.layers[1].fault = Fault::throws; };
  const auto calm = [](Net& net) { net.layers[1].fault = Fault::none; };
  check_fault(comm, "a layer's own mistake", throws, calm, step);
  check_fault(comm, "a layer's own mistake", throws, calm, evaluate);
}

TEST_CASE("train.1: rows are a multiple of the micro-batches") {
  comm::Mpi comm;
  auto trainer = Units<shard::Zero3>::make<Net>(comm, optim::Sgd{}, {.micro_batches = 2});
  const Batch own = batch(comm.rank());
  const auto refusal = [&](long inputs, long targets) {
    return sentence([&] { trainer.step(own.x.narrow(0, 0, inputs), own.y.narrow(0, 0, targets)); });
  };
  CHECK_THAT(refusal(3, 3), ContainsSubstring("[ashlar.train.1]") && ContainsSubstring("a multiple of 2") &&
                                ContainsSubstring("3 and 3 rows"));
  CHECK_THAT(refusal(4, 2), ContainsSubstring("[ashlar.train.1]") && ContainsSubstring("4 and 2 rows"));
  CHECK_THAT(refusal(0, 0), ContainsSubstring("[ashlar.train.1]"));
  CHECK(refusal(2, 2) == "no error");
  CHECK(trainer.steps() == 1);
}

// One rank alone meets what is not finite; every rank says so, in the same words.
template <class Shard>
void check_blame(comm::Mpi& comm, const std::string& where, auto fault, auto undo) {
  INFO(std::string(Shard::name) << ", " << where);
  const Batch own = batch(comm.rank());
  auto trainer = Units<Shard>::template make<Net>(comm, optim::Sgd{}, {.micro_batches = 2});
  auto calm = Units<Shard>::template make<Net>(comm, optim::Sgd{}, {.micro_batches = 2});
  trainer.step(own.x, own.y);
  calm.step(own.x, own.y);

  Batch bad{own.x.clone(), own.y.clone()};
  if (comm.rank() + 1 == comm.size()) fault(trainer.model(), bad);
  const std::string said = sentence([&] { trainer.step(bad.x, bad.y); });
  CHECK_THAT(said, ContainsSubstring("[ashlar.train.2]") && ContainsSubstring("at step 2") &&
                       ContainsSubstring("first not finite in " + where + ":"));
  // The parameters are those of the step before.
  undo(trainer.model());
  CHECK(trainer.step(own.x, own.y).loss == calm.step(own.x, own.y).loss);
  const auto got = trainer.full_parameters(), due = calm.full_parameters();
  for (std::size_t i = 0; i < due.size(); ++i) CHECK(got[i].value.equal(due[i].value));
}

void check_blame(comm::Mpi& comm, const std::string& where, auto fault, auto undo) {
  check_blame<shard::Replicate>(comm, where, fault, undo);
  check_blame<shard::Zero2>(comm, where, fault, undo);
  check_blame<shard::Zero3>(comm, where, fault, undo);
}

TEST_CASE("train.2: what is not finite on one rank is named on every rank, with step and unit") {
  comm::Mpi comm;
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  const auto nothing = [](Net&) {};
  check_blame(
      comm, "the output of 'layers.0.inner'", [&](Net&, Batch& bad) { bad.x[3][2] = nan; }, nothing);
  check_blame(
      comm, "the objective itself", [&](Net&, Batch& bad) { bad.y[3][0] = nan; }, nothing);
  check_blame(
      comm, "the gradient of unit 'layers.1'",
      [](Net& net, Batch&) { net.layers[1].fault = Fault::infinite_gradient; },
      [](Net& net) { net.layers[1].fault = Fault::none; });
}

struct SharedImpl : torch::nn::Module {
  torch::nn::Linear linear{6, 1};
  SharedImpl() {
    register_module("a", linear);
    register_module("b", linear);
  }
  Tensor forward(const Tensor& x) { return linear(x); }
};

TEST_CASE("model.5: a torch module registers a parameter once") {
  comm::Mpi comm;
  using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
  CHECK_THAT(sentence([&] { Strategy::make(std::make_shared<SharedImpl>(), comm, optim::Sgd{}); }),
             ContainsSubstring("[ashlar.model.5]") && ContainsSubstring("'b.weight' a second time"));
}

TEST_CASE("a torch module trains by holder and by shared_ptr alike") {
  comm::Mpi comm;
  using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
  const Batch own = batch(comm.rank());
  const torch::nn::Linear holder(6, 1);
  const auto copy = std::dynamic_pointer_cast<torch::nn::LinearImpl>(holder->clone());
  const auto train = [&](auto module) {
    auto trainer = Strategy::make(std::move(module), comm, optim::Sgd{});
    for (int i = 0; i < 2; ++i)
      trainer.step([&] { return at::mse_loss(trainer.model()->forward(own.x), own.y); });
    return trainer.full_parameters()[0].value;
  };
  CHECK(train(holder).equal(train(copy)));
}

// A layer with dropout that the model runs twice, as no unit may be but a recomputed layer may.
struct Dropped {
  using Inner = nn::Linear<6, 6>;
  BOOST_HANA_DEFINE_STRUCT(Dropped, (Inner, inner));
  Tensor forward(auto& run, const Tensor& x) const { return x + at::dropout(run(inner, x), 0.5, true); }
};
struct Twice {
  using Layers = std::array<Dropped, 2>;
  BOOST_HANA_DEFINE_STRUCT(Twice, (Layers, layers));
  Tensor loss(auto& run, Tensor x, const Tensor&) const {
    for (const int i : {0, 1, 0}) x = run(layers[static_cast<std::size_t>(i)], x);
    return x.square().mean();
  }
};

template <class Checkpoint>
std::vector<FullParameter> train_twice(comm::Mpi& comm) {
  using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel, Checkpoint>;
  auto trainer = Strategy::template make<Twice>(comm, optim::Sgd{});
  const Batch own = batch(comm.rank());
  trainer.step(own.x, own.y);
  return trainer.full_parameters();
}

TEST_CASE("a recomputed layer that runs twice repeats each run's dropout") {
  comm::Mpi comm;
  const auto kept = train_twice<checkpoint::None>(comm), again = train_twice<checkpoint::Recompute>(comm);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    INFO(kept[i].name);
    CHECK(again[i].value.equal(kept[i].value));
  }
}

}  // namespace
}  // namespace ashlar
