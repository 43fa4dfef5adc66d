// Engine: what only a run can know is an error with an id, the same on every rank, and leaves a trainer that
// goes on as if nothing had been.
// processes: 1 2
#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
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

// One that adds up its layers' weights before they run, as a penalty would.
struct Penalised {
  using Layers = std::array<Layer, 3>;
  using Head = nn::Linear<6, 1>;
  BOOST_HANA_DEFINE_STRUCT(Penalised, (Layers, layers), (Head, head));
  enum class When { never, before, after } when = When::before;

  Tensor penalty() const {
    Tensor sum = at::zeros({});
    for (const Layer& layer : layers) sum = sum + (*layer.inner.weight).square().sum();
    return sum;
  }
  Tensor loss(auto& run, Tensor x, const Tensor& y) const {
    Tensor sum = when == When::before ? penalty() : at::zeros({});
    for (const Layer& layer : layers) x = run(layer, x);
    x = run(head, x);
    if (when == When::after) sum = penalty();
    return at::mse_loss(x, y) + sum;
  }
};

template <class Shard>
void check_late(comm::Mpi& comm) {
  INFO(Shard::name);
  const Batch own = batch(comm.rank());
  const auto train = [&](Penalised::When first) {
    auto trainer = Units<Shard>::template make<Penalised>(comm, optim::Sgd{}, {.micro_batches = 2});
    trainer.model().when = first;
    const std::string said = sentence([&] { trainer.step(own.x, own.y); });
    CHECK((said == "no error") == (first == Penalised::When::never));
    if (first == Penalised::When::before) {
      CHECK_THAT(said,
                 ContainsSubstring("[ashlar.model.18]") && ContainsSubstring("'layers.0.inner.weight'"));
      trainer.model().when = Penalised::When::never;
      trainer.step(own.x, own.y);
    }
    return trainer.full_parameters();
  };
  const auto got = train(Penalised::When::before), due = train(Penalised::When::never);
  for (std::size_t i = 0; i < due.size(); ++i) CHECK(got[i].value.equal(due[i].value));
}

TEST_CASE("model.18: a gradient that comes after its unit's was reduced is refused and leaves no trace") {
  comm::Mpi comm;
  check_late<shard::Replicate>(comm);
  check_late<shard::Zero1>(comm);
  check_late<shard::Zero2>(comm);
}

TEST_CASE("a unit's parameter that is read after its unit has its gradient, where it is whole") {
  comm::Mpi comm;
  const Batch own = batch(comm.rank());
  const auto train = [&]<class Wrap>() {
    auto trainer = Trainer<shard::Zero2, precision::Fp32, offload::None, Wrap>::template make<Penalised>(
        comm, optim::Sgd{});
    trainer.model().when = Penalised::When::after;
    for (int i = 0; i < 3; ++i) trainer.step(own.x, own.y);
    return trainer.full_parameters();
  };
  const auto got = train.template operator()<wrap::Each<Layer>>();
  const auto due = train.template operator()<wrap::WholeModel>();
  for (std::size_t i = 0; i < due.size(); ++i) CHECK(at::allclose(got[i].value, due[i].value, 1e-5, 1e-7));
}

struct ChangesItsInput {
  using Inner = nn::Linear<6, 6>;
  BOOST_HANA_DEFINE_STRUCT(ChangesItsInput, (Inner, inner));
  Tensor forward(auto& run, const Tensor& x) const {
    x.mul_(0.5);
    return run(inner, x);
  }
};
struct Changing {
  using Layers = std::array<ChangesItsInput, 1>;
  BOOST_HANA_DEFINE_STRUCT(Changing, (Layers, layers));
  Tensor loss(auto& run, const Tensor& x, const Tensor&) const {
    return run(layers[0], x.clone()).square().mean();
  }
};

TEST_CASE("model.19: a recomputed layer leaves its inputs as they are") {
  comm::Mpi comm;
  const Batch own = batch(comm.rank());
  const auto said = [&]<class Checkpoint>() {
    auto trainer = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel,
                           Checkpoint>::template make<Changing>(comm, optim::Sgd{});
    return sentence([&] { trainer.step(own.x, own.y); });
  };
  CHECK_THAT(said.template operator()<checkpoint::Recompute>(), ContainsSubstring("[ashlar.model.19]"));
  CHECK(said.template operator()<checkpoint::None>() == "no error");
}

TEST_CASE("train.3: what the ranks must share is compared, the optimizer's numbers, too") {
  comm::Mpi comm;
  if (comm.size() == 1) return;
  const double other = comm.rank() == 0 ? 0 : 1e-9;
  const auto refusal = [&](optim::Sgd sgd, Recipe recipe = {}) {
    return sentence([&] { Units<shard::Replicate>::make<Net>(comm, sgd, recipe); });
  };
  CHECK(refusal({}) == "no error");
  CHECK_THAT(refusal({.learning_rate = 0.1 + other}),
             ContainsSubstring("[ashlar.train.3]") && ContainsSubstring("learning rate 0.1, "));
  CHECK_THAT(refusal({.momentum = 0.9 + other}), ContainsSubstring("momentum 0.9, "));
  CHECK_THAT(refusal({.nesterov = comm.rank() > 0}), ContainsSubstring("nesterov 0"));
  CHECK_THAT(refusal({}, {.clip_norm = 1 + other}), ContainsSubstring("clip_norm 1, "));
  CHECK_THAT(refusal({}, {.schedule = {.total = 5 + comm.rank()}}), ContainsSubstring("5 in all"));
}

TEST_CASE("train.4: a recipe's numbers make sense") {
  comm::Mpi comm;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto refusal = [&](Recipe recipe, optim::Sgd sgd = {}) {
    return sentence([&] { Units<shard::Zero3>::make<Net>(comm, sgd, recipe); });
  };
  for (const double clip_norm : {0.0, -1.0, nan})
    CHECK_THAT(refusal({.clip_norm = clip_norm}),
               ContainsSubstring("[ashlar.train.4] expected a clip_norm above 0"));
  for (const int count : {0, -2})
    CHECK_THAT(refusal({.micro_batches = count}),
               ContainsSubstring("[ashlar.train.4] expected at least 1 micro"));
  for (const double rate : {-0.1, nan, std::numeric_limits<double>::infinity()})
    CHECK_THAT(refusal({}, {.learning_rate = rate}),
               ContainsSubstring("[ashlar.train.4] expected a finite learning"));
  CHECK_THAT(refusal({.schedule = {.warmup = -1}}),
             ContainsSubstring("[ashlar.train.4] expected a schedule"));
  CHECK(refusal({}, {.learning_rate = 0}) == "no error");
}

TEST_CASE("train.5: one step, evaluation or prediction at a time") {
  comm::Mpi comm;
  const Batch own = batch(comm.rank());
  check_fault(
      comm, "[ashlar.train.5]", [](Net&) {}, [](Net&) {},
      [](auto& trainer, const Batch& b) {
        trainer.step([&](auto& run) { return trainer.model().loss(run, b.x, trainer.predict(b.x)); });
      });
  check_fault(
      comm, "[ashlar.train.5]", [](Net&) {}, [](Net&) {},
      [](auto& trainer, const Batch& b) {
        trainer.step(
            [&](auto& run) { return trainer.model().loss(run, b.x, b.y) * trainer.evaluate(b.x, b.y); });
      });
}

TEST_CASE("train.6 and train.7: an objective returns one number, which depends on what is trained") {
  comm::Mpi comm;
  auto trainer = Units<shard::Zero3>::make<Net>(comm, optim::Sgd{});
  const Batch own = batch(comm.rank());
  const auto refusal = [&](auto objective) { return sentence([&] { trainer.step(objective); }); };
  CHECK_THAT(refusal([] { return at::ones({}); }), ContainsSubstring("[ashlar.train.6]"));
  CHECK_THAT(refusal([] { return Tensor(); }),
             ContainsSubstring("[ashlar.train.7]") && ContainsSubstring("undefined"));
  CHECK_THAT(refusal([&](auto& run) { return trainer.model().forward(run, own.x); }),
             ContainsSubstring("[ashlar.train.7]") && ContainsSubstring("a Float tensor of shape [4, 1]"));
  CHECK_THAT(sentence([&] { trainer.evaluate([] { return at::ones({}, at::kLong); }); }),
             ContainsSubstring("[ashlar.train.7]") && ContainsSubstring("Long"));
  CHECK_THAT(sentence([&] { trainer.step(at::ones({}), at::ones({})); }),
             ContainsSubstring("[ashlar.train.1]"));
  CHECK_THAT(sentence([&] { trainer.step(Tensor(), Tensor()); }), ContainsSubstring("[ashlar.train.1]"));
  CHECK(refusal([&](auto& run) { return trainer.model().loss(run, own.x, own.y); }) == "no error");
}

TEST_CASE("train.9: an evaluation has rows, and a target for each") {
  comm::Mpi comm;
  auto trainer = Units<shard::Zero3>::make<Net>(comm, optim::Sgd{});
  const Batch own = batch(comm.rank());
  const auto refusal = [&](const Tensor& x, const Tensor& y) {
    return sentence([&] { trainer.evaluate(x, y); });
  };
  CHECK_THAT(refusal(own.x.narrow(0, 0, 0), own.y.narrow(0, 0, 0)),
             ContainsSubstring("[ashlar.train.9]") && ContainsSubstring("0 and 0 rows"));
  CHECK_THAT(refusal(own.x, own.y.narrow(0, 0, 2)),
             ContainsSubstring("[ashlar.train.9]") && ContainsSubstring("4 and 2 rows"));
  CHECK_THAT(refusal(at::ones({}), at::ones({})), ContainsSubstring("[ashlar.train.9]"));
  CHECK_THAT(refusal(Tensor(), Tensor()), ContainsSubstring("[ashlar.train.9]"));
  CHECK(refusal(own.x, own.y) == "no error");
}

TEST_CASE("train.8: every rank has as many rows in a step; an evaluation weighs them") {
  comm::Mpi comm;
  if (comm.size() == 1) return;
  auto trainer = Units<shard::Zero3>::make<Net>(comm, optim::Sgd{});
  const Batch own = batch(comm.rank());
  const long rows = comm.rank() == 0 ? 2 : 4;
  const Tensor x = own.x.narrow(0, 0, rows), y = own.y.narrow(0, 0, rows);
  CHECK_THAT(
      sentence([&] { trainer.step(x, y); }),
      ContainsSubstring("[ashlar.train.8]") && ContainsSubstring("got " + std::to_string(rows) + " of "));
  CHECK(trainer.steps() == 0);

  const double mean = trainer.evaluate(x, y);
  double sum = 0, count = 0;
  for (int rank = 0; rank < comm.size(); ++rank) {
    const Batch part = batch(rank);
    const long n = rank == 0 ? 2 : 4;
    sum += static_cast<double>(n) *
           at::mse_loss(trainer.predict(part.x.narrow(0, 0, n)), part.y.narrow(0, 0, n)).item<double>();
    count += static_cast<double>(n);
  }
  CHECK(std::abs(mean - sum / count) < 1e-6);
}

struct Standardised {
  using Mean = nn::Buffer<6>;
  using Inner = nn::Linear<6, 1>;
  BOOST_HANA_DEFINE_STRUCT(Standardised, (Mean, mean), (Inner, inner));
  Standardised() { mean.init = nn::ones(); }
  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const {
    return at::mse_loss(run(inner, x - *mean), y);
  }
};

TEST_CASE("a declared buffer is read in forward, kept, and not trained") {
  comm::Mpi comm;
  auto trainer = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>::make<Standardised>(
      comm, optim::Sgd{});
  const Batch own = batch(comm.rank());
  const double before = trainer.evaluate(own.x, own.y);
  trainer.step(own.x, own.y);
  CHECK(trainer.evaluate(own.x, own.y) < before);
  CHECK((*trainer.model().mean).eq(1).all().item<bool>());
  CHECK(trainer.full_parameters().size() == 2);
  bool saved = false;
  trainer.for_each_saved([&](const std::string& name, const Tensor&) { saved |= name == "mean"; });
  CHECK(saved);
}

TEST_CASE("an evaluation leaves every torch module in the mode it was in, also when it throws") {
  comm::Mpi comm;
  torch::nn::Sequential net(torch::nn::Linear(6, 6), torch::nn::Dropout(0.5), torch::nn::Linear(6, 1));
  net[1]->eval();
  auto trainer =
      Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>::make(net, comm, optim::Sgd{});
  const auto check = [&](bool in_evaluation) {
    for (const std::size_t i : {0, 1, 2}) CHECK(net[i]->is_training() == (!in_evaluation && i != 1));
  };
  const Batch own = batch(comm.rank());
  trainer.evaluate([&] {
    check(true);
    return at::mse_loss(net->forward(own.x), own.y);
  });
  check(false);
  CHECK(sentence([&] { trainer.evaluate([]() -> Tensor { throw Error("test.1", "", "", ""); }); }) !=
        "no error");
  check(false);
}

TEST_CASE("a torch module's gradient survives a zero_grad() in the objective") {
  comm::Mpi comm;
  const Batch own = batch(comm.rank());
  const auto train = [&]<class Shard>(bool clears) {
    at::manual_seed(1);
    torch::nn::Linear net(6, 1);
    auto trainer =
        Trainer<Shard, precision::Fp32, offload::None, wrap::WholeModel>::make(net, comm, optim::Sgd{});
    for (int i = 0; i < 3; ++i)
      trainer.step([&] {
        if (clears) net->zero_grad();
        return at::mse_loss(net->forward(own.x), own.y);
      });
    return trainer.full_parameters()[0].value;
  };
  CHECK(train.template operator()<shard::Replicate>(true).equal(
      train.template operator()<shard::Replicate>(false)));
  CHECK(train.template operator()<shard::Zero3>(true).equal(train.template operator()<shard::Zero3>(false)));
}

TEST_CASE("model.17: a torch module has one trainer") {
  comm::Mpi comm;
  using Sharded = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
  using Whole = Trainer<shard::Replicate, precision::Fp32, offload::None, wrap::WholeModel>;
  const auto refusal = [&](const torch::nn::Linear& net) {
    return sentence([&] { Whole::make(net, comm, optim::Sgd{}); });
  };
  torch::nn::Linear net(6, 1), other(6, 1);
  {
    auto trainer = Whole::make(net, comm, optim::Sgd{});
    CHECK_THAT(refusal(net), ContainsSubstring("[ashlar.model.17]") && ContainsSubstring("'weight'"));
    CHECK(refusal(other) == "no error");
  }
  CHECK(refusal(net) == "no error");  // its values are still its own
  { auto trainer = Sharded::make(net, comm, optim::Sgd{}); }
  CHECK_THAT(refusal(net), ContainsSubstring("[ashlar.model.17]"));
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

TEST_CASE("each rank draws random numbers of its own, the same for the same seed") {
  comm::Mpi comm;
  const auto drawn = [&](std::uint64_t seed) {  // after a trainer is made                        (ranks, 4)
    const auto trainer = Units<shard::Zero3>::make<Net>(comm, optim::Sgd{}, {.seed = seed});
    const Tensor own = at::rand({4});
    const Tensor all = at::empty({4L * comm.size()});
    comm.all_gather(all, own).wait();
    return all.view({comm.size(), 4});
  };
  const Tensor first = drawn(3);
  CHECK(drawn(3).equal(first));
  CHECK_FALSE(drawn(4).equal(first));
  for (int rank = 1; rank < comm.size(); ++rank) CHECK_FALSE(first[rank].equal(first[0]));
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
