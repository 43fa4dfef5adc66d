// Units and recomputed layers: whatever goes into one or comes out of it, and whatever it keeps, the numbers
// are those of a plain LibTorch loop.
#include <ATen/ATen.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/instancenorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <map>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/solo.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/policies.hpp>

#include "data/temporary.hpp"
#include "engine/plain_loop.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;
using test::Batch;
using test::recipe;
using test::sentence;
using test::sgd;

template <class Shard, class Layer, class Checkpoint = checkpoint::None, class Precision = precision::Fp32>
using Units = Trainer<Shard, Precision, offload::None, wrap::Each<Layer>, Checkpoint>;
template <class Checkpoint, class Precision = precision::Fp32>
using Whole = Trainer<shard::Replicate, Precision, offload::None, wrap::WholeModel, Checkpoint>;

// Three steps of Strategy leave the parameters of three steps of the plain loop.
template <class Strategy, class Net>
void check(const Net& net = {}) {
  INFO(std::string(Strategy::Shard::name)
       << ", " << std::string(Strategy::Wrap::name) << ", " << std::string(Strategy::Checkpoint::name));
  comm::Solo comm;
  auto trainer = Strategy::make(net, comm, sgd, recipe);
  test::Reference<precision::Fp32, Net, optim::Sgd> plain(sgd, recipe, c10::kCPU, net);
  test::check_steps(trainer, plain);
  const Batch batch;
  CHECK(trainer.evaluate(batch.x, batch.y) ==
        Catch::Approx(plain.model().loss(batch.x, batch.y).template item<double>()));
}

template <class Net, class Layer>
void check_units(const Net& net = {}) {
  check<Units<shard::Replicate, Layer>>(net);
  check<Units<shard::Zero2, Layer>>(net);
  check<Units<shard::Zero3, Layer>>(net);
  check<Units<shard::Zero3, Layer, checkpoint::RecomputeEach<Layer>>>(net);
  check<Whole<checkpoint::RecomputeEach<Layer>>>(net);
}

// A filter of the spectrum, as FFT layers have it: a complex tensor goes in and comes out.
struct Filter {
  using Gains = nn::Parameter<4>;
  BOOST_HANA_DEFINE_STRUCT(Filter, (Gains, gains));
  constexpr Filter() { gains.init = nn::normal(1); }
  Tensor forward(auto&, const Tensor& x) const { return x * *gains; }  // (R, 4) -> same
};
struct Spectral {
  using In = nn::Linear<6, 6>;
  using Filters = std::array<Filter, 2>;
  using Head = nn::Linear<6, 1>;
  BOOST_HANA_DEFINE_STRUCT(Spectral, (In, in), (Filters, filters), (Head, head));
  at::ScalarType type = at::kFloat;

  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const {
    Tensor spectrum = at::fft_rfft(run(in, x).to(type));  // complex
    for (const Filter& filter : filters) spectrum = run(filter, spectrum);
    return at::mse_loss(run(head, at::fft_irfft(spectrum, 6).to(at::kFloat)), y);
  }
};

TEST_CASE("a complex tensor goes through a unit, and its gradient back") {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    Spectral net;
    net.type = type;
    check_units<Spectral, Filter>(net);
  }
}

// Takes tensors of any type, of which those that float have a gradient.
struct Mixer {
  using Weight = nn::Linear<6, 6>;
  BOOST_HANA_DEFINE_STRUCT(Mixer, (Weight, weight));
  Tensor forward(auto& run, const Tensor& x, const Tensor& other) const {  // (R, 6), (R, 6) -> (R, 6)
    return at::tanh(run(weight, x)) * other.to(at::kFloat);
  }
};
struct Typed {
  using Mixers = std::array<Mixer, 2>;
  using Head = nn::Linear<6, 1>;
  BOOST_HANA_DEFINE_STRUCT(Typed, (Mixers, mixers), (Head, head));
  at::ScalarType type = at::kFloat;

  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const {
    const Tensor h = run(mixers[0], x, (4 * x).to(type));
    return at::mse_loss(run(head, run(mixers[1], h, (2 * h).to(type))), y);
  }
};

TEST_CASE("so does one of every type") {
  for (const at::ScalarType type : {at::kBool, at::kByte, at::kInt, at::kLong, at::kHalf, at::kBFloat16,
                                    at::kFloat8_e5m2, at::kFloat, at::kDouble}) {
    INFO(at::toString(type));
    Typed net;
    net.type = type;
    check<Units<shard::Zero3, Mixer>>(net);
    check<Whole<checkpoint::RecomputeEach<Mixer>>>(net);
  }
}

// With a mask that may be absent, and a second output that may be.
struct Masked {
  using Weight = nn::Linear<6, 6>;
  BOOST_HANA_DEFINE_STRUCT(Masked, (Weight, weight));
  std::array<Tensor, 2> forward(auto& run, const Tensor& x, const Tensor& mask, const Tensor& y) const {
    const Tensor h = at::tanh(run(weight, x)) + y;
    return {mask.defined() ? h * mask : Tensor(), h};
  }
};
struct Absent {
  using Layers = std::array<Masked, 2>;
  using Head = nn::Linear<6, 1>;
  BOOST_HANA_DEFINE_STRUCT(Absent, (Layers, layers), (Head, head));

  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const {
    const auto [nothing, h] = run(layers[0], x, Tensor(), x.sin());
    const auto [masked, all] = run(layers[1], h, x.gt(0).to(at::kFloat), h.cos());
    return at::mse_loss(run(head, masked), y) + (nothing.defined() ? 1 : 0) + all.square().mean();
  }
};

TEST_CASE("an undefined tensor is predicted with") {
  comm::Solo comm;
  const Batch batch;
  auto trainer = Whole<checkpoint::None>::make<Masked>(comm, sgd);
  CHECK_FALSE(trainer.predict(batch.x, Tensor(), batch.x)[0].defined());
}

TEST_CASE("a tensor that is undefined goes in and comes out undefined") {
  check_units<Absent, Masked>();
}

// Buffers that a forward changes: batch statistics, of a module of LibTorch's and of the model's own, and one
// that the output depends on.
struct Normed {
  using In = nn::Linear<6, 6>;
  using Statistic = nn::Buffer<6>;
  using Norm = torch::nn::BatchNorm1d;
  BOOST_HANA_DEFINE_STRUCT(Normed, (In, in), (Norm, norm), (Statistic, mean), (Statistic, variance),
                           (Statistic, drift));
  Normed() : norm(6) {}

  Tensor forward(auto& run, const Tensor& x) const {  // (R, 6) -> same
    const Tensor h = run(norm, run(in, x)), scale = 1 + *drift;
    if (norm->is_training()) (*drift).add_(h.detach().square().mean(0));
    return scale *
           at::tanh(at::batch_norm(h, {}, {}, *mean, *variance, norm->is_training(), 0.1, 1e-5, false));
  }
};
struct Statistics {
  using Layers = std::array<Normed, 2>;
  using Head = nn::Linear<6, 1>;
  BOOST_HANA_DEFINE_STRUCT(Statistics, (Layers, layers), (Head, head));
  bool again = false;  // the first layer runs twice
  Tensor forward(auto& run, Tensor x) const {
    for (const Normed& layer : layers) x = run(layer, x);
    if (again) x = run(layers[0], x);
    return run(head, x);
  }
  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const { return at::mse_loss(forward(run, x), y); }
};

template <class Strategy>
void check_statistics(bool again = false) {
  INFO(std::string(Strategy::Shard::name) << ", " << std::string(Strategy::Wrap::name));
  comm::Solo comm;
  Statistics own, other;  // each with torch modules of its own
  own.again = other.again = again;
  auto trainer = Strategy::make(own, comm, sgd, recipe);
  test::Reference<precision::Fp32, Statistics, optim::Sgd> plain(sgd, recipe, c10::kCPU, other);
  test::check_steps(trainer, plain);
  std::map<std::string, Tensor> kept;
  trainer.for_each_saved([&](const std::string& name, const Tensor& tensor) { kept[name] = tensor; });
  CHECK(plain.model().buffers().size() == 12);
  for (const NamedTensor& due : plain.model().buffers()) {
    INFO(due.name);
    REQUIRE(kept.contains(due.name));
    CHECK(at::allclose(kept[due.name], due.tensor, 1e-5, 1e-6));
  }
  const Batch batch;
  for (const Normed& layer : plain.model().model().layers) layer.norm.ptr()->eval();
  CHECK(at::allclose(trainer.predict(batch.x), plain.model().forward(batch.x), 1e-5, 1e-6));
}

TEST_CASE("a recomputed layer changes its buffers once, and finds them again as they were") {
  using checkpoint::Recompute;
  check_statistics<Whole<checkpoint::None>>();
  check_statistics<Whole<Recompute>>();
  check_statistics<Whole<Recompute>>(/*again=*/true);
  check_statistics<Units<shard::Zero3, Normed, Recompute>>();
  check_statistics<Units<shard::Zero2, Statistics::Layers::value_type::Norm, Recompute>>();
}

// Changes what goes in.
enum class Changes { nothing, input, view, parameter, input_to_trained, detached };
struct Changer {
  using Weight = nn::Linear<6, 6>;
  BOOST_HANA_DEFINE_STRUCT(Changer, (Weight, weight));
  Changes changes = Changes::nothing;
  Tensor forward(auto& run, const Tensor& x) const {  // (R, 6) -> same
    switch (changes) {
      case Changes::nothing:
        break;
      case Changes::input:
        Tensor(x).mul_(2);
        break;
      case Changes::view:
        x.view({-1}).mul_(2);
        break;
      case Changes::parameter:
        Tensor(*weight.weight).mul_(2);
        break;
      case Changes::input_to_trained:
        Tensor(x).mul_(*weight.bias);
        break;
      case Changes::detached:
        x.detach().clamp_(-0.5, 0.5);
        break;
    }
    return x + run(weight, at::sin(x));
  }
};
struct Changed {
  using Layers = std::array<Changer, 2>;
  using Head = nn::Linear<6, 1>;
  BOOST_HANA_DEFINE_STRUCT(Changed, (Layers, layers), (Head, head));
  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const {
    const Tensor own = x.clone(), h = run(layers[1], run(layers[0], own).mul_(2).add_(own));
    return at::mse_loss(run(head, h), y);
  }
};

template <class Shard>
void check_changes(Changes changes, std::size_t layer, const std::string& said) {
  INFO(std::string(Shard::name) << ", " << static_cast<int>(changes) << " in layer " << layer);
  comm::Solo comm;
  auto trainer = Units<Shard, Changer>::template make<Changed>(comm, sgd, recipe);
  const Batch batch;
  trainer.model().layers[layer].changes = changes;
  CHECK_THAT(sentence([&] { trainer.step(batch.x, batch.y); }), ContainsSubstring(said));
  CHECK(trainer.steps() == (said == "no error" ? 1 : 0));
}

TEST_CASE("model.19: a unit that would change an input in place is refused where autograd would lose it") {
  const std::string refused = "[ashlar.model.19]";
  for (const auto check : {check_changes<shard::Replicate>, check_changes<shard::Zero3>}) {
    check(Changes::nothing, 0, "no error");
    check(Changes::input, 0, "no error");  // the batch has no gradient
    check(Changes::input, 1, refused);
    check(Changes::view, 1, refused);
    check(Changes::parameter, 1, refused);
    check(Changes::input_to_trained, 0, refused);
    check(Changes::input_to_trained, 1, refused);
  }
}

TEST_CASE("and one that changes values alone trains as in a plain loop") {
  Changed net;
  check<Units<shard::Zero3, Changer>>(net);
  net.layers[0].changes = Changes::input;
  check<Units<shard::Zero3, Changer>>(net);
}

// A torch parameter that is read again after its unit has run.
struct ReadsAgain {
  using Unit = torch::nn::Linear;
  using Head = nn::Linear<6, 1>;
  BOOST_HANA_DEFINE_STRUCT(ReadsAgain, (Unit, unit), (Head, head));
  ReadsAgain() : unit(6, 6) {}
  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const {
    const Tensor h = at::tanh(run(unit, x));
    return at::mse_loss(run(head, h.matmul(unit->weight)), y);
  }
};

template <class Shard>
std::vector<FullParameter> after_steps(const ReadsAgain& net) {
  comm::Solo comm;
  const Batch batch;
  auto trainer = Units<Shard, ReadsAgain::Unit>::make(net, comm, sgd, recipe);
  for (int step = 0; step < 3; ++step) trainer.step(batch.x, batch.y);
  return trainer.full_parameters();
}

TEST_CASE("a gradient of a torch parameter that comes before its unit's backward counts") {
  const auto net = [] {
    torch::manual_seed(1);
    return ReadsAgain();
  };
  test::Reference<precision::Fp32, ReadsAgain, optim::Sgd> plain(sgd, recipe, c10::kCPU, net());
  const Batch batch;
  for (int step = 0; step < 3; ++step)
    plain.step([&](const auto& model, int i) {
      return model.loss(batch.x.narrow(0, 2 * i, 2), batch.y.narrow(0, 2 * i, 2));
    });
  for (const auto& got : {after_steps<shard::Replicate>(net()), after_steps<shard::Zero2>(net()),
                          after_steps<shard::ShardGradOp>(net())})
    for (std::size_t k = 0; k < got.size(); ++k) {
      INFO(got[k].name);
      CHECK(at::allclose(got[k].value, plain.master(k), 1e-5, 1e-6));
    }
}

// Batch normalisation of LibTorch's, under strategies that compute in bfloat16.
template <class Net>
std::string step_under_bf16(Net net) {
  comm::Solo comm;
  const Batch batch;
  return sentence([&] {
    auto trainer = Whole<checkpoint::None, precision::Bf16Mixed>::make(net, comm, sgd);
    trainer.step([&] { return net->forward(batch.x.to(at::kBFloat16)).square().mean(); });
  });
}

TEST_CASE("model.20: batch statistics that LibTorch does not take beside bfloat16 are refused when made") {
  using namespace torch::nn;
  const auto net = [](auto norm) { return Sequential(Linear(6, 6), norm); };
  CHECK_THAT(step_under_bf16(net(BatchNorm1d(6))),
             ContainsSubstring("[ashlar.model.20]") && ContainsSubstring("in '1' beside"));
  CHECK_THAT(step_under_bf16(BatchNorm1d(6)), ContainsSubstring("[ashlar.model.20]") &&
                                                  ContainsSubstring("in torch::nn::BatchNorm1dImpl beside"));
  CHECK_THAT(
      step_under_bf16(net(InstanceNorm1d(InstanceNormOptions(6).affine(true).track_running_stats(true)))),
      ContainsSubstring("[ashlar.model.20]"));
  CHECK(step_under_bf16(net(BatchNorm1d(BatchNormOptions(6).affine(false)))) == "no error");
  CHECK(step_under_bf16(net(BatchNorm1d(BatchNormOptions(6).track_running_stats(false)))) == "no error");
  CHECK(step_under_bf16(net(LayerNorm(LayerNormOptions({6})))) == "no error");
  auto converted = net(BatchNorm1d(6));
  converted->to(at::kBFloat16);
  CHECK(step_under_bf16(converted) == "no error");
}

}  // namespace
}  // namespace ashlar
