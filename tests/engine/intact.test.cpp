// Intact: whoever else writes to a parameter, or takes it away, is heard of before the next update, on every
// rank; a write that lasts gives the numbers of a plain loop.
// processes: 1 2
#include <torch/nn/functional/embedding.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>
#include <torch/serialize.h>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/state/training.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;
using test::sentence;

struct NetImpl : torch::nn::Module {
  NetImpl()
      : first(register_module("first", torch::nn::Linear(6, 6))),
        second(register_module("second", torch::nn::Linear(6, 6))) {}
  Tensor forward(const Tensor& x) {
    return second(first(x.to(first->weight.scalar_type())).tanh());
  }  // (R, 6) -> same
  torch::nn::Linear first, second;
};
TORCH_MODULE(Net);

Net net_of(std::uint64_t seed) {
  at::manual_seed(seed);
  return {};
}

Tensor points(int rank) {  // (4, 6)
  return (at::arange(24, at::kFloat).view({4, 6}) + 5.0 * rank).sin();
}
Tensor loss(Net& net, const Tensor& x) {
  return net->forward(x).square().mean();
}

template <class Shard, class Precision = precision::Fp32, class Offload = offload::None>
using Whole = Trainer<Shard, Precision, Offload, wrap::WholeModel>;

// Whether `id` is what every use of the trainer says after change(net), and that nothing was updated.
template <class Strategy>
void check_refused(comm::Mpi& comm, const std::string& id, auto change) {
  INFO(std::string(Strategy::Shard::name) << ", " << id);
  Net net = net_of(1);
  auto trainer = Strategy::make(net, comm, optim::Sgd{});
  const Tensor x = points(comm.rank());
  const auto objective = [&] { return loss(net, x); };
  trainer.step(objective);
  change(net);
  const test::TemporaryDirectory directory;
  CHECK_THAT(sentence([&] { trainer.step(objective); }), ContainsSubstring(id));
  CHECK_THAT(sentence([&] { trainer.evaluate(objective); }), ContainsSubstring(id));
  CHECK_THAT(sentence([&] { trainer.predict(x); }), ContainsSubstring(id));
  CHECK_THAT(sentence([&] { trainer.full_parameters(); }), ContainsSubstring(id));
  CHECK_THAT(sentence([&] { state::save(directory.path, trainer); }), ContainsSubstring(id));
  CHECK(trainer.steps() == 1);
}

void check_refused(comm::Mpi& comm, const std::string& id, auto change) {
  check_refused<Whole<shard::Replicate>>(comm, id, change);
  check_refused<Whole<shard::Zero2>>(comm, id, change);
  check_refused<Whole<shard::Zero3>>(comm, id, change);
}

TEST_CASE("parameter.1: a parameter that lies elsewhere than where make() put it") {
  comm::Mpi comm;
  const test::TemporaryDirectory directory;
  const std::string file = directory / "net.pt";
  torch::save(net_of(2), file);
  const std::string id = "[ashlar.parameter.1]";
  check_refused<Whole<shard::Replicate>>(comm, id, [&](Net& net) { torch::load(net, file); });
  check_refused<Whole<shard::Zero2>>(comm, id, [&](Net& net) { torch::load(net, file); });
  check_refused(comm, id, [](Net& net) { net->first->weight.set_data(at::ones({6, 6})); });
  check_refused(comm, id, [](Net& net) { net->second->bias.set_data(at::ones({6})); });
  check_refused(comm, id, [](Net& net) { net->second->weight.set_data(net->first->weight); });
  check_refused(comm, id, [](Net& net) { net->second->weight.set_data(at::ones({3, 6})); });
  check_refused<Whole<shard::Replicate>>(comm, id, [](Net& net) { net->to(at::kDouble); });
  check_refused(comm, id, [](Net& net) {
    const at::NoGradGuard guard;
    net->first->weight.t_();
  });
  check_refused(comm, "'first.weight'", [](Net& net) { net->first->weight.set_data(at::ones({6, 6})); });
}

TEST_CASE("a file that is loaded before make() is what is trained") {
  comm::Mpi comm;
  const test::TemporaryDirectory directory;
  const std::string file = directory / "net.pt";
  torch::save(net_of(2), file);
  Net net = net_of(1), due = net_of(2);
  torch::load(net, file);
  const Tensor x = points(0);
  auto trainer = Whole<shard::Zero3>::make(net, comm, optim::Sgd{});
  CHECK(trainer.evaluate([&] { return loss(net, x); }) == loss(due, x).item<double>());
}

TEST_CASE("parameter.2: what is trained is what make() found to be trained") {
  comm::Mpi comm;
  const std::string id = "[ashlar.parameter.2]";
  check_refused(comm, id, [](Net& net) { net->first->weight.requires_grad_(false); });
  check_refused(comm, id, [](Net& net) {
    for (Tensor& parameter : net->parameters()) parameter.requires_grad_(false);
  });

  Net net = net_of(1);
  net->first->weight.requires_grad_(false);
  auto trainer = Whole<shard::Zero3>::make(net, comm, optim::Sgd{});
  const auto step = [&] { trainer.step([&] { return loss(net, points(0)); }); };
  step();
  net->first->weight.requires_grad_(true);
  CHECK_THAT(sentence(step), ContainsSubstring(id) && ContainsSubstring("'first.weight'"));
  net->first->weight.requires_grad_(false);
  CHECK(sentence(step) == "no error");
}

TEST_CASE("parameter.7: a module in place of one that is trained") {
  comm::Mpi comm;
  const auto replace = [](Net& net) { net->first = net->replace_module("first", torch::nn::Linear(6, 6)); };
  check_refused(comm, "[ashlar.parameter.7]", replace);
  check_refused(comm, "'first.weight' registered since", replace);
}

// A word's vector is rescaled in forward, where its norm is above 0.5.
struct WordsImpl : torch::nn::Module {
  WordsImpl() {
    at::manual_seed(1);
    words = register_module("words", torch::nn::Embedding(torch::nn::EmbeddingOptions(8, 4).max_norm(0.5)));
  }
  Tensor forward(const Tensor& ids) { return words(ids).sum(1).square().mean(); }
  torch::nn::Embedding words{nullptr};
};
TORCH_MODULE(Words);

template <class Strategy>
void check_max_norm(comm::Mpi& comm) {
  INFO(Strategy::Shard::name);
  Words words;
  auto trainer = Strategy::make(words, comm, optim::Sgd{});
  const Tensor ids = at::arange(4).view({2, 2}) + 2 * comm.rank();
  const auto objective = [&] { return words->forward(ids); };
  const auto refused = ContainsSubstring(
      "[ashlar.parameter.3] expected a forward that leaves parameters as they "
      "are, got 'words.weight' changed in place");
  CHECK_THAT(sentence([&] { trainer.step(objective); }), refused);
  CHECK_THAT(sentence([&] { trainer.evaluate(objective); }), refused);
  CHECK(trainer.steps() == 0);
}

TEST_CASE("parameter.3: a forward that changes a parameter") {
  comm::Mpi comm;
  check_max_norm<Whole<shard::Zero3>>(comm);
  check_max_norm<Whole<shard::ShardGradOp>>(comm);
  check_max_norm<Whole<shard::Replicate, precision::Bf16Mixed>>(comm);
  check_max_norm<Whole<shard::Zero2, precision::Fp32, offload::OptimizerToHost>>(comm);
  if (comm.size() > 1) check_max_norm<Whole<shard::Replicate>>(comm);
  if (comm.size() > 1) check_max_norm<Whole<shard::Zero1>>(comm);
}

// A declared layer that does the same by hand, in every forward or in none.
struct Rescaled {
  using Layer = nn::Linear<6, 6>;
  BOOST_HANA_DEFINE_STRUCT(Rescaled, (Layer, layer));
  bool rescales = false;

  Tensor loss(auto& run, const Tensor& x, const Tensor&) const {
    if (rescales) {
      const at::NoGradGuard guard;
      Tensor(*layer.weight).mul_(0.5);
    }
    return run(layer, x).square().mean();
  }
};

TEST_CASE("one rank's forward changes a parameter, and every rank says so and goes on") {
  comm::Mpi comm;
  auto trainer = Whole<shard::Zero3>::make<Rescaled>(comm, optim::Sgd{});
  auto calm = Whole<shard::Zero3>::make<Rescaled>(comm, optim::Sgd{});
  const Tensor x = points(comm.rank());
  const bool mine = comm.rank() + 1 == comm.size();
  trainer.model().rescales = mine;
  const std::string said = sentence([&] { trainer.step(x, x); });
  CHECK_THAT(said, ContainsSubstring(mine ? "[ashlar.parameter.3]" : "[ashlar.parameter.5]"));
  trainer.model().rescales = false;
  CHECK(trainer.step(x, x).loss == calm.step(x, x).loss);
  CHECK(trainer.step(x, x).loss == calm.step(x, x).loss);
}

template <class Shard>
void check_one_rank_loads(comm::Mpi& comm) {
  INFO(Shard::name);
  const test::TemporaryDirectory directory;
  torch::save(net_of(2), directory / "net.pt");
  Net net = net_of(1);
  auto trainer = Whole<Shard>::make(net, comm, optim::Sgd{});
  const bool mine = comm.rank() == 0;
  if (mine) torch::load(net, directory / "net.pt");
  const auto objective = [&] { return loss(net, points(0)); };
  const std::string id = mine ? "[ashlar.parameter.1]" : "[ashlar.parameter.5]";
  CHECK_THAT(sentence([&] { trainer.step(objective); }), ContainsSubstring(id));
  CHECK_THAT(sentence([&] { trainer.evaluate(objective); }), ContainsSubstring(id));
  CHECK(trainer.steps() == 0);
}

TEST_CASE("one rank's file is loaded after make(), and every rank says so") {
  comm::Mpi comm;
  check_one_rank_loads<shard::Replicate>(comm);
  check_one_rank_loads<shard::Zero2>(comm);
}

// Parameters after three steps of a plain loop, and of a trainer, each with change(module) between steps.
template <class Strategy, class Module>
void check_plain(comm::Mpi& comm, Module plain, Module module, auto loss_of, auto change) {
  INFO(Strategy::Shard::name);
  torch::optim::SGD sgd(plain->parameters(), torch::optim::SGDOptions(0.1).momentum(0.9));
  auto trainer = Strategy::make(module, comm, optim::Sgd{});
  for (int step = 0; step < 3; ++step) {
    sgd.zero_grad();
    loss_of(plain).backward();
    sgd.step();
    trainer.step([&] { return loss_of(module); });
    change(plain);
    change(module);
  }
  const auto got = trainer.full_parameters();
  const auto due = plain->parameters();
  for (std::size_t i = 0; i < due.size(); ++i) CHECK(at::allclose(got[i].value, due[i].detach(), 1e-5, 1e-7));
}

TEST_CASE("a write that lasts gives a plain loop's numbers") {
  comm::Mpi comm;
  const auto clamp = [](Net& net) {  // as a critic's weights are clipped
    const at::NoGradGuard guard;
    for (Tensor& parameter : net->parameters()) parameter.clamp_(-0.1, 0.1);
    net->to(at::kFloat);  // which they are
    net->zero_grad();
  };
  const auto net_loss = [](Net& net) { return loss(net, points(0)); };
  check_plain<Whole<shard::Replicate>>(comm, net_of(1), net_of(1), net_loss, clamp);
  check_plain<Whole<shard::Zero1>>(comm, net_of(1), net_of(1), net_loss, clamp);
  check_plain<Whole<shard::Zero2>>(comm, net_of(1), net_of(1), net_loss, clamp);
  if (comm.size() > 1) return;
  const auto words_loss = [](Words& words) { return words->forward(at::arange(4).view({2, 2})); };
  check_plain<Whole<shard::Replicate>>(comm, Words(), Words(), words_loss, [](Words&) {});
  check_plain<Whole<shard::Zero1>>(comm, Words(), Words(), words_loss, [](Words&) {});
}

template <class Shard>
void check_one_rank_writes(comm::Mpi& comm) {
  INFO(Shard::name);
  Net net = net_of(1);
  auto trainer = Whole<Shard>::make(net, comm, optim::Sgd{});
  const auto objective = [&] { return loss(net, points(comm.rank())); };
  const auto write = [&] {
    const at::NoGradGuard guard;
    net->first->weight.mul_(0.5);
  };
  write();
  CHECK(sentence([&] { trainer.step(objective); }) == "no error");
  CHECK(sentence([&] { trainer.step(objective); }) == "no error");
  if (comm.rank() == 0) write();
  for (int i = 0; i < 2; ++i)
    CHECK_THAT(sentence([&] { trainer.step(objective); }),
               ContainsSubstring("[ashlar.parameter.8]") && ContainsSubstring("1 of 2 ranks"));
  CHECK_THAT(sentence([&] { trainer.full_parameters(); }), ContainsSubstring("[ashlar.parameter.8]"));
  CHECK(trainer.steps() == 2);
}

TEST_CASE("parameter.8: one rank writes into parameters between steps") {
  comm::Mpi comm;
  if (comm.size() == 1) return;
  check_one_rank_writes<shard::Replicate>(comm);
  check_one_rank_writes<shard::Zero1>(comm);
  check_one_rank_writes<shard::Zero2>(comm);
}

TEST_CASE("train.2 says that buffers have seen the batch, where there are some") {
  comm::Mpi comm;
  const Tensor x = points(0) / 0;
  for (const bool buffers : {false, true}) {
    Net net = net_of(1);
    if (buffers) net->register_buffer("mean", at::zeros({6}));
    auto trainer = Whole<shard::Zero3>::make(net, comm, optim::Sgd{});
    const std::string said = sentence([&] { trainer.step([&] { return loss(net, x); }); });
    CHECK_THAT(said, ContainsSubstring("[ashlar.train.2]"));
    CHECK((said.find("buffers have seen this batch") != std::string::npos) == buffers);
  }
}

TEST_CASE("parameter.4: a write between steps that the next update would undo") {
  comm::Mpi comm;
  const auto halve = [](Net& net) {
    const at::NoGradGuard guard;
    net->first->weight.mul_(0.5);
  };
  const std::string id = "[ashlar.parameter.4]";
  check_refused<Whole<shard::Replicate, precision::Bf16Mixed>>(comm, id, halve);
  check_refused<Whole<shard::Zero2, precision::Fp32, offload::OptimizerToHost>>(comm, id, halve);
}

// What LibTorch says, or "no error".
std::string raw_sentence(auto&& use) {
  try {
    use();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no error";
}

// The same layers as units, of which one is whole at a time.
struct Layers {
  BOOST_HANA_DEFINE_STRUCT(Layers, (torch::nn::Linear, first), (torch::nn::Linear, second));
  bool reads_ahead = false;

  Tensor loss(auto& run, const Tensor& x, const Tensor&) const {
    const Tensor y = run(first, x).tanh();
    const Tensor ahead = reads_ahead ? second->weight.sum() * 0 : at::zeros({});
    return (run(second, y) + ahead).square().mean();
  }
};

TEST_CASE("torch modules as units are whole in their own passes, and not outside of them") {
  comm::Mpi comm;
  const Tensor x = points(comm.rank());
  Net net = net_of(1), other = net_of(1);
  auto whole = Whole<shard::Replicate>::make(net, comm, optim::Sgd{});
  auto units = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<torch::nn::Linear>>::make(
      Layers{other->first, other->second}, comm, optim::Sgd{});
  for (int step = 0; step < 3; ++step)
    CHECK(units.step(x, x).loss == Catch::Approx(whole.step([&] { return loss(net, x); }).loss));
  units.model().reads_ahead = true;
  CHECK_THAT(raw_sentence([&] { units.step(x, x); }), ContainsSubstring("[ashlar.model.14]"));
  units.model().reads_ahead = false;
  other->to(at::kFloat);  // which they are
  CHECK(units.step(x, x).loss == Catch::Approx(whole.step([&] { return loss(net, x); }).loss));
}

TEST_CASE("model.14: a sharded torch module that is used between its steps, or in another trainer's") {
  comm::Mpi comm;
  Net net = net_of(1), other = net_of(2);
  const Tensor x = points(comm.rank());
  const auto refused = ContainsSubstring("[ashlar.model.14]");
  const test::TemporaryDirectory directory;
  torch::save(net, directory / "before.pt");
  const auto check = [&] {
    CHECK_THAT(raw_sentence([&] { torch::load(net, directory / "before.pt"); }), refused);
    CHECK_THAT(raw_sentence([&] { net->forward(x); }), refused);
    CHECK_THAT(raw_sentence([&] { torch::save(net, directory / "net.pt"); }), refused);
    CHECK_THAT(raw_sentence([&] { net->to(at::kDouble); }), refused);
    CHECK_THAT(raw_sentence([&] { net->first->clone(); }), refused);
    CHECK_THAT(raw_sentence([&] {
                 const at::NoGradGuard guard;
                 net->first->weight.clamp_(-1, 1);
               }),
               refused);
  };
  {
    auto trainer = Whole<shard::Zero3>::make(net, comm, optim::Sgd{});
    auto another = Whole<shard::Zero3>::make(other, comm, optim::Sgd{});
    check();
    trainer.step([&] { return loss(net, x); });
    check();
    CHECK_THAT(raw_sentence([&] { another.step([&] { return loss(other, x) + loss(net, x); }); }), refused);
    CHECK(raw_sentence([&] { trainer.step([&] { return loss(net, x); }); }) == "no error");
    CHECK(raw_sentence([&] { another.step([&] { return loss(other, x); }); }) == "no error");
  }
  check();
  CHECK_THAT(sentence([&] { Whole<shard::Zero3>::make(net, comm, optim::Sgd{}); }),
             ContainsSubstring("[ashlar.model.17]"));
}

TEST_CASE("shapes count, and not the number of elements alone: on the ranks, and where a run is resumed") {
  comm::Mpi comm;
  using Strategy = Whole<shard::Zero3>;
  const auto without_bias = [](long in, long out) {
    return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(false));
  };
  if (comm.size() > 1) {
    const bool other = comm.rank() > 0;
    CHECK_THAT(
        sentence([&] { Strategy::make(without_bias(other ? 4 : 6, other ? 6 : 4), comm, optim::Sgd{}); }),
        ContainsSubstring("[ashlar.train.3]") && ContainsSubstring("weight (4, 6)") &&
            ContainsSubstring("weight (6, 4)"));
    return;
  }
  const test::TemporaryDirectory directory;
  auto saved = Strategy::make(without_bias(6, 4), comm, optim::Sgd{});
  state::save(directory.path, saved);
  auto same = Strategy::make(without_bias(6, 4), comm, optim::Sgd{});
  auto other = Strategy::make(without_bias(4, 6), comm, optim::Sgd{});
  CHECK(sentence([&] { state::resume(directory.path, same); }) == "no error");
  CHECK_THAT(sentence([&] { state::resume(directory.path, other); }),
             ContainsSubstring("[ashlar.state.6]") && ContainsSubstring("weight (4, 6)") &&
                 ContainsSubstring("weight (6, 4)"));
}

TEST_CASE("buffers' shapes count, too") {
  comm::Mpi comm;
  if (comm.size() == 1) return;
  torch::nn::Linear layer(4, 4);
  layer->register_buffer("table", at::zeros({comm.rank() == 0 ? 2 : 3}));
  CHECK_THAT(sentence([&] { Whole<shard::Zero3>::make(layer, comm, optim::Sgd{}); }),
             ContainsSubstring("[ashlar.train.3]"));
}

}  // namespace
}  // namespace ashlar
