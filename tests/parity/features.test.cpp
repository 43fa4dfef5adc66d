// Parity of what a training run may ask for: micro-batches, clipping, momentum, frozen weights, units inside
// units, dropout under recomputation, parameters and units that a step leaves out, ordinary torch modules.
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>

#include <ashlar/nn/lora.hpp>
#include <ashlar/optim/sgd.hpp>

#include "parity/parity.hpp"

namespace ashlar::test {
namespace {

using offload::None;
using precision::Fp32;
template <class Shard, class Wrap, class Checkpoint = checkpoint::None>
using Plain = Trainer<Shard, Fp32, None, Wrap, Checkpoint>;

// Columns in, one number out: small enough to read, with a parameter of one element and a list of layers.
struct Layer {
  using Inner = nn::Linear<7, 7>;
  BOOST_HANA_DEFINE_STRUCT(Layer, (Inner, first), (Inner, second));
  double dropout = 0;

  auto forward(auto& run, const auto& x) const {  // (R, 7) -> same
    return x + at::dropout(run(second, at::tanh(run(first, x))), dropout,
                           at::GradMode::is_enabled() || dropout > 0);
  }
};

struct Small {
  using Layers = std::array<Layer, 3>;
  using Head = nn::Linear<7, 1>;
  BOOST_HANA_DEFINE_STRUCT(Small, (Layers, layers), (Head, head), (nn::Parameter<1>, offset),
                           (nn::Parameter<5, 3>, unused));
  long skipped = -1;  // the layer that is left out

  constexpr Small() { unused.init = nn::ones(); }

  auto forward(auto& run, Tensor x) const {  // (R, 7) -> (R, 1)
    for (std::size_t i = 0; i < layers.size(); ++i)
      if (static_cast<long>(i) != skipped) x = run(layers[i], x);
    return run(head, x) + *offset;
  }
  auto loss(auto& run, const Tensor& x, const Tensor& y) const {
    return at::mse_loss(forward(run, x).to(y.scalar_type()), y);
  }
};

std::pair<Tensor, Tensor> points(int step) {
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(static_cast<std::uint64_t>(step) + 99);
  const Tensor x = at::randn({8, 7}, generator);
  return {x, x.sum(1, true).sin()};
}

// On this rank's share of the points.
Trained train_on_points(auto& trainer) {
  const long share = 8 / world().size();
  Trained trained;
  for (int step = 0; step < steps; ++step) {
    const auto [x, y] = points(step);
    const long first = world().rank() * share;
    trained.losses.push_back(trainer.step(x.narrow(0, first, share), y.narrow(0, first, share)).loss);
  }
  trained.parameters = trainer.full_parameters();
  return trained;
}

template <class Strategy, class Optimizer>
Trained train_small(const Optimizer& optimizer, const Recipe& recipe, const Small& model = {}) {
  auto trainer = Strategy::make(model, world(), optimizer, recipe);
  return train_on_points(trainer);
}

// The same by the plain loop; with `taken` only these rows count, the others as zero.
template <class Optimizer>
Trained train_small_plainly(const Optimizer& optimizer, const Recipe& recipe, const Small& model = {}) {
  const c10::Device device = device_of(world());
  Reference<Fp32, Small, Optimizer> reference(optimizer, recipe, device, model);
  Trained trained;
  for (int step = 0; step < steps; ++step) {
    const auto [x, y] = points(step);
    trained.losses.push_back(reference.step([&](const auto& plain, int i) {
      const long count = 8 / recipe.micro_batches;
      return plain.loss(x.narrow(0, i * count, count).to(device), y.narrow(0, i * count, count).to(device));
    }));
  }
  for (std::size_t k = 0; k < reference.parameters().size(); ++k) {
    FullParameter& p = trained.parameters.emplace_back(
        FullParameter{reference.parameters()[k].name, reference.master(k).cpu(), {}});
    if (reference.parameters()[k].trainable)
      for (const Tensor& state : reference.states(k)) p.states.push_back(state.cpu());
  }
  return trained;
}

bool one_process() {
  return world().size() == 1 && device_of(world()).is_cpu();
}

// Sums over the batch in another order, on a loss of about 1 and weights below 1: see parity.hpp.
Tolerance rounding() {
  return one_process() ? Tolerance{} : Tolerance{1e-5, 5e-5, 5e-5};
}

template <class Optimizer>
void check_small(const Optimizer& optimizer, const Recipe& recipe) {
  const Trained plain = train_small_plainly(optimizer, recipe);
  compare(train_small<Plain<shard::Replicate, wrap::WholeModel>>(optimizer, recipe), plain, rounding());
  compare(train_small<Plain<shard::Zero1, wrap::Each<Layer>>>(optimizer, recipe), plain, rounding());
  compare(train_small<Plain<shard::Zero2, wrap::Each<Layer>>>(optimizer, recipe), plain, rounding());
  compare(train_small<Plain<shard::ShardGradOp, wrap::Each<Layer, Layer::Inner>>>(optimizer, recipe), plain,
          rounding());
  compare(train_small<Plain<shard::Zero3, wrap::Each<Layer, Layer::Inner>, checkpoint::Recompute>>(optimizer,
                                                                                                   recipe),
          plain, rounding());
}

TEST_CASE("micro-batches add up to the batch") {
  for (const int count : {1, 2}) {
    INFO(count);
    check_small(adamw, {.seed = 3, .micro_batches = count});
  }
}

TEST_CASE("clipping scales by the norm over all ranks") {
  const Recipe recipe{.seed = 3, .clip_norm = 0.05, .micro_batches = 2};
  const Trained plain = train_small_plainly(adamw, recipe);
  const Trained loose = train_small_plainly(adamw, {.seed = 3, .micro_batches = 2});
  CHECK_FALSE(plain.parameters[0].value.equal(loose.parameters[0].value));  // it did clip
  check_small(adamw, recipe);
}

TEST_CASE("momentum and Nesterov, with a schedule") {
  for (const bool nesterov : {false, true})
    check_small(
        optim::Sgd{.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 0.01, .nesterov = nesterov},
        {.seed = 3, .schedule = {.warmup = 3, .total = steps}});
}

// Of a few hundred masters in six steps none lies exactly halfway, where the two would round to different
// sides.
template <class Shard, class Optimizer>
void check_split(const Optimizer& optimizer) {
  using Layers = wrap::Each<Layer>;
  const Recipe recipe{.seed = 3, .clip_norm = 0.05, .micro_batches = 2};
  const Tolerance exact = device_of(world()).is_cpu() ? Tolerance{} : rounding();
  compare(train_small<Trainer<Shard, precision::Bf16Split, None, Layers>>(optimizer, recipe),
          train_small<Trainer<Shard, precision::Bf16Mixed, None, Layers>>(optimizer, recipe), exact);
}

TEST_CASE("a master that is split is the master that is whole") {
  // Whole masters, shards beside whole parameters, and shards beside sharded parameters.
  check_split<shard::Replicate>(adamw);
  check_split<shard::Zero1>(adamw);
  check_split<shard::Zero3>(adamw);
  check_split<shard::Zero3>(optim::Sgd{.learning_rate = 0.05, .momentum = 0.9});
}

struct Scale {
  using One = nn::Parameter<1>;
  BOOST_HANA_DEFINE_STRUCT(Scale, (One, scale));
  constexpr Scale() { scale.init = nn::ones(); }
  auto loss(auto&, const auto& x, const auto&) const { return (x * *scale).sum(); }
};

// What computes, and its master, after a step that moves it from 1 by `update`.
template <class Shard, class Precision>
std::pair<double, double> moved_by(double update) {
  using Strategy = Trainer<Shard, Precision, None, wrap::WholeModel>;
  auto trainer = Strategy::template make<Scale>(world(), optim::Sgd{.learning_rate = update, .momentum = 0});
  const Tensor one = at::ones({1});
  trainer.step(-one, one);
  return {trainer.evaluate(one, one), trainer.full_parameters()[0].value.template item<double>()};
}

template <class Shard>
void check_halfway() {
  constexpr double ulp = 0x1p-7;
  using Pair = std::pair<double, double>;
  CHECK(moved_by<Shard, precision::Bf16Mixed>(ulp / 2) == Pair{1, 1 + ulp / 2});
  CHECK(moved_by<Shard, precision::Bf16Split>(ulp / 2) == Pair{1 + ulp, 1 + ulp / 2});
  CHECK(moved_by<Shard, precision::Bf16Split>(ulp / 4) == Pair{1, 1 + ulp / 4});
}

TEST_CASE("a master halfway between two numbers of bfloat16 rounds away from zero if it is split") {
  check_halfway<shard::Replicate>();
  check_halfway<shard::Zero1>();
  check_halfway<shard::Zero3>();
}

struct NoneAhead : shard::Zero3 {
  static constexpr int prefetch = 0;
};
struct FarAhead : shard::Zero3 {
  static constexpr int prefetch = 2;
};
template <class Shard>
using Blocks = Plain<Shard, wrap::Each<SmallLlama::Block>>;
template <class Shard>
inline constexpr long kept = plan<Blocks<Shard>, SmallLlama>(ashlar::world{2}).kept();
static_assert(kept<NoneAhead> < kept<shard::Zero3> && kept<shard::Zero3> < kept<FarAhead>);

TEST_CASE("how many units are gathered ahead changes memory and nothing else") {
  const Recipe recipe{.seed = 3, .clip_norm = 0.05, .micro_batches = 2};
  const Trained one = train<Blocks<shard::Zero3>, SmallLlama>(recipe);
  const Tolerance exact = device_of(world()).is_cpu() ? Tolerance{} : rounding();
  compare(train<Blocks<NoneAhead>, SmallLlama>(recipe), one, exact);
  compare(train<Blocks<FarAhead>, SmallLlama>(recipe), one, exact);
}

TEST_CASE("a unit that no rank runs gets zero gradients") {
  Small model;
  model.skipped = 1;
  const Recipe recipe{.seed = 3};
  const Trained plain = train_small_plainly(adamw, recipe, model);
  compare(train_small<Plain<shard::Zero3, wrap::Each<Layer>>>(adamw, recipe, model), plain, rounding());
  compare(train_small<Plain<shard::Replicate, wrap::Each<Layer>>>(adamw, recipe, model), plain, rounding());
}

TEST_CASE("a unit that one rank leaves out does not hang the others") {
  Small model;
  if (world().rank() == 0) model.skipped = 1;
  const Recipe recipe{.seed = 3};
  const Trained sharded =
      train_small<Plain<shard::Zero3, wrap::Each<Layer, Layer::Inner>>>(adamw, recipe, model);
  const Trained whole = train_small<Plain<shard::Replicate, wrap::WholeModel>>(adamw, recipe, model);
  compare(sharded, whole, world().size() <= 2 ? Tolerance{} : rounding());
}

TEST_CASE("recomputation repeats dropout, bit for bit") {
  Small model;
  for (Layer& layer : model.layers) layer.dropout = 0.3;
  const Recipe recipe{.seed = 3};
  const Trained kept = train_small<Plain<shard::Zero3, wrap::Each<Layer>>>(adamw, recipe, model);
  const Trained again =
      train_small<Plain<shard::Zero3, wrap::Each<Layer>, checkpoint::Recompute>>(adamw, recipe, model);
  compare(again, kept, {});
  CHECK_FALSE(kept.losses == train_small<Plain<shard::Zero3, wrap::Each<Layer>>>(adamw, recipe).losses);
}

// A Llama block's second norm takes the residual addition with it, and gives back the sum and its norm. The
// sum's gradient has three addends, of which the norm's two are added up first where the norm has a graph of
// its own.
template <class Strategy>
void check_two_outputs() {
  const Recipe recipe{.seed = 7};
  const Trained& plain = trained_plainly<Fp32, SmallLlama>(recipe, device_of(world()));
  compare(train<Strategy, SmallLlama>(recipe), plain, {1e-5, 5e-5, 5e-5});
}

TEST_CASE("a unit may have two outputs, and so may what is recomputed") {
  using Norm = SmallLlama::Norm;
  check_two_outputs<Plain<shard::Zero3, wrap::Each<Norm>>>();
  check_two_outputs<Plain<shard::Zero3, wrap::Each<SmallLlama::Block>, checkpoint::RecomputeEach<Norm>>>();
}

// A frozen base with a trained low-rank part, as in LoRA.
struct Adapted {
  using Base = nn::Linear<7, 7>;
  using Adapter = nn::Lora<Base, 2>;
  using Adapters = std::array<Adapter, 2>;
  using Head = nn::Frozen<nn::Linear<7, 1>>;
  BOOST_HANA_DEFINE_STRUCT(Adapted, (Adapters, adapters), (Head, head));

  auto forward(auto& run, Tensor x) const {  // (R, 7) -> (R, 1)
    for (const Adapter& adapter : adapters) x = at::tanh(run(adapter, x));
    return run(head, x);
  }
  auto loss(auto& run, const Tensor& x, const Tensor& y) const { return at::mse_loss(forward(run, x), y); }
};

template <class Strategy>
Trained train_adapted() {
  auto trainer = Strategy::template make<Adapted>(world(), adamw, Recipe{.seed = 5});
  const auto before = trainer.full_parameters();
  Trained trained = train_on_points(trainer);
  for (std::size_t i = 0; i < before.size(); ++i) {
    INFO(before[i].name);
    const bool trains = !trained.parameters[i].states.empty();
    CHECK(trains == (before[i].name.ends_with(".a") || before[i].name.ends_with(".b")));
    CHECK(before[i].value.equal(trained.parameters[i].value) == !trains);
  }
  // Gradients and optimizer state of the trained part alone: 2 adapters of 7*2 + 2*7, padded.
  CHECK(trainer.plan().optimizer <= 2 * 4 * align(2 * 2 * 64) * world().size());
  return trained;
}

TEST_CASE("frozen parameters have no gradient and no optimizer state, and stay what they are") {
  const Trained whole = train_adapted<Plain<shard::Replicate, wrap::WholeModel>>();
  const Trained sharded = train_adapted<Plain<shard::Zero3, wrap::Each<Adapted::Adapter>>>();
  compare(sharded, whole, world().size() <= 2 ? Tolerance{} : rounding());
}

// An ordinary torch module, and a declared model of torch modules.
struct TorchNetImpl : torch::nn::Module {
  TorchNetImpl()
      : first(register_module("first", torch::nn::Linear(7, 11))),
        second(register_module("second", torch::nn::Linear(11, 1))) {}
  Tensor forward(Tensor x) { return second(first(x).tanh()); }
  torch::nn::Linear first, second;
};
TORCH_MODULE(TorchNet);

struct Mixed {
  BOOST_HANA_DEFINE_STRUCT(Mixed, (torch::nn::Linear, first), (torch::nn::Linear, second));
  auto forward(auto& run, const Tensor& x) const { return run(second, run(first, x).tanh()); }
};

template <class Strategy, class Model>
std::vector<double> train_torch(Model model, auto&& output) {
  auto trainer = Strategy::make(model, world(), adamw, Recipe{.seed = 5});
  const long share = 8 / world().size();
  std::vector<double> losses;
  for (int step = 0; step < steps; ++step) {
    const auto [x, y] = points(step);
    const long first = world().rank() * share;
    const Tensor a = x.narrow(0, first, share).to(trainer.device()),
                 b = y.narrow(0, first, share).to(trainer.device());
    losses.push_back(
        trainer.step([&](auto& run) { return at::mse_loss(output(run, trainer.model(), a), b); }).loss);
  }
  return losses;
}

TEST_CASE("a unit of torch parameters has one type") {
  TorchNet net;
  net->second->to(at::kDouble);
  using Strategy = Plain<shard::Zero3, wrap::WholeModel>;
  CHECK_THROWS_WITH(Strategy::make(net, world(), adamw),
                    Catch::Matchers::ContainsSubstring("[ashlar.model.13]"));
}

TEST_CASE("torch modules train sharded, whole or as units") {
  const auto make = [] {
    at::manual_seed(1);
    return TorchNet();
  };
  const auto whole = [](auto&, auto& net, const Tensor& x) { return net->forward(x); };
  const auto first = train_torch<Plain<shard::Replicate, wrap::WholeModel>>(make(), whole);
  const auto sharded = train_torch<Plain<shard::Zero3, wrap::WholeModel>>(make(), whole);
  TorchNet net = make();
  const auto units = train_torch<Plain<shard::Zero3, wrap::Each<torch::nn::Linear>>>(
      Mixed{net->first, net->second},
      [](auto& run, auto& model, const Tensor& x) { return model.forward(run, x); });
  CHECK(first.back() < first.front());
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(std::abs(sharded[i] - first[i]) <= (world().size() <= 2 ? 0 : 1e-5));
    CHECK(std::abs(units[i] - first[i]) <= (world().size() <= 2 ? 0 : 1e-5));
  }
}

}  // namespace
}  // namespace ashlar::test
