// Gradients that an objective takes inside of itself: of inputs and of parameters, of first and of second
// order. The numbers are those of a plain LibTorch loop, or one sentence says what to write instead.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

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

// What a loss does besides.
enum class Takes {
  nothing,
  input,               // a feature: the input's gradient, which nothing is led back through
  input_twice,         // a penalty on the input's gradient
  parameter,           // a feature of a parameter's gradient
  parameter_twice,     // a penalty on it
  backward,            // an auxiliary loss's own backward
  backward_of_result,  // its own backward
  in_backward,         // a weight's gradient, within the step's own backward and before the weight's own
  hidden_twice,        // a penalty on the gradient of what comes out of the last unit
  backward_of_inputs,  // one that is to end in the input
};

struct Layer {
  using Inner = nn::Linear<6, 6>;
  BOOST_HANA_DEFINE_STRUCT(Layer, (Inner, inner));
  auto forward(auto& run, const auto& x) const { return at::tanh(run(inner, x)); }  // (R, 6) -> same
};

struct Net {
  using Layers = std::array<Layer, 2>;
  using Head = nn::Linear<6, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layers, layers), (Head, head));
  Takes takes = Takes::nothing;

  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const {
    const Tensor input = x.detach().requires_grad_();
    Tensor h = input;
    for (const Layer& layer : layers) h = run(layer, h);
    const auto penalty = [&](const Tensor& of, bool twice) {
      return torch::autograd::grad({h.square().sum()}, {of}, {}, /*retain_graph=*/true, twice)[0]
          .square()
          .mean();
    };
    const Tensor out = run(head, h), loss = at::mse_loss(out, y);
    switch (takes) {
      case Takes::nothing:
        break;
      case Takes::input:
        return loss * (1 + penalty(input, false));
      case Takes::input_twice:
        return loss + penalty(input, true);
      case Takes::parameter:
        return loss * (1 + penalty(*layers[0].inner.weight, false));
      case Takes::parameter_twice:
        return loss + penalty(*layers[1].inner.weight, true);
      case Takes::in_backward:
        out.register_hook([this, &run](const Tensor& gradient) {
          const at::AutoGradMode enable(true);
          const Tensor other = run(head, at::ones({2, 6})).square().sum();
          return gradient * torch::autograd::grad({other}, {*head.weight})[0].square().mean();
        });
        break;
      case Takes::hidden_twice:
        return loss + torch::autograd::grad({loss}, {h}, {}, true, true)[0].square().sum();
      case Takes::backward:
        h.square().mean().backward({}, /*retain_graph=*/true);
        break;
      case Takes::backward_of_result:
        loss.backward();
        break;
      case Takes::backward_of_inputs:
        h.square().mean().backward({}, /*retain_graph=*/true, false, at::TensorList(input));
        return loss * (1 + input.grad().square().mean());
    }
    return loss;
  }
};

template <class Shard, class Precision = precision::Fp32>
using Whole = Trainer<Shard, Precision, offload::None, wrap::WholeModel>;

template <class Strategy>
void check_strategy(Takes takes) {
  INFO(std::string(Strategy::Shard::name)
       << ", " << std::string(Strategy::Wrap::name) << ", " << static_cast<int>(takes));
  comm::Solo comm;
  Net net;
  net.takes = takes;
  auto trainer = Strategy::make(net, comm, sgd, recipe);
  test::Reference<precision::Fp32, Net, optim::Sgd> plain(sgd, recipe, c10::kCPU, net);
  test::check_steps(trainer, plain);
}

template <class Shard>
void check(Takes takes) {
  check_strategy<Whole<Shard>>(takes);
}

TEST_CASE("a gradient that the loss of a declared model takes is that of a plain loop") {
  for (const Takes takes : {Takes::nothing, Takes::input, Takes::input_twice, Takes::parameter,
                            Takes::parameter_twice, Takes::in_backward, Takes::backward_of_inputs}) {
    check<shard::Replicate>(takes);
    check<shard::Zero2>(takes);
    check<shard::Zero3>(takes);
  }
}

TEST_CASE("and so is one that goes through no unit") {
  check_strategy<Trainer<shard::Replicate, precision::Fp32, offload::None, wrap::Each<Layer>>>(
      Takes::hidden_twice);
  check_strategy<
      Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Layer>, checkpoint::Recompute>>(
      Takes::hidden_twice);
}

// A step after a refused one is the step of a trainer that was refused nothing.
template <class Strategy>
void check_refused(Takes takes, const std::string& id) {
  INFO(std::string(Strategy::Shard::name)
       << ", " << std::string(Strategy::Wrap::name) << ", " << std::string(Strategy::Checkpoint::name) << ", "
       << static_cast<int>(takes));
  comm::Solo comm;
  auto trainer = Strategy::template make<Net>(comm, optim::Sgd{}, recipe);
  auto calm = Strategy::template make<Net>(comm, optim::Sgd{}, recipe);
  const Batch batch;
  trainer.step(batch.x, batch.y);
  calm.step(batch.x, batch.y);
  trainer.model().takes = takes;
  CHECK_THAT(sentence([&] { trainer.step(batch.x, batch.y); }), ContainsSubstring(id));
  trainer.model().takes = Takes::nothing;
  CHECK(trainer.step(batch.x, batch.y).loss == calm.step(batch.x, batch.y).loss);
  const auto got = trainer.full_parameters(), due = calm.full_parameters();
  for (std::size_t k = 0; k < due.size(); ++k) CHECK(got[k].value.equal(due[k].value));
}

template <class Shard>
void check_backward_refused() {
  for (const Takes takes : {Takes::backward, Takes::backward_of_result})
    check_refused<Whole<Shard>>(takes, "[ashlar.train.20]");
}

TEST_CASE("train.20: an objective runs no backward of its own") {
  check_backward_refused<shard::Replicate>();
  check_backward_refused<shard::Zero1>();
  check_backward_refused<shard::Zero2>();
  check_backward_refused<shard::ShardGradOp>();
  check_backward_refused<shard::Zero3>();
}

template <class Shard>
void check_units_refused() {
  using Units = Trainer<Shard, precision::Fp32, offload::None, wrap::Each<Layer>>;
  using Recomputed = Trainer<Shard, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::Recompute>;
  for (const Takes takes : {Takes::input, Takes::input_twice, Takes::backward, Takes::backward_of_inputs}) {
    check_refused<Units>(takes, "[ashlar.train.21]");
    check_refused<Recomputed>(takes, "[ashlar.train.21]");
  }
}

TEST_CASE("train.21: no gradient is led through a unit or a recomputed layer before its own backward") {
  check_units_refused<shard::Replicate>();
  check_units_refused<shard::Zero2>();
  check_units_refused<shard::Zero3>();
}

torch::nn::Sequential torch_net() {
  torch::manual_seed(1);
  return torch::nn::Sequential(torch::nn::Linear(6, 6), torch::nn::Tanh(), torch::nn::Linear(6, 1));
}

Tensor torch_loss(torch::nn::Sequential& net, const Batch& batch, bool twice, bool parameter) {
  const Tensor input = batch.x.detach().requires_grad_();
  const Tensor out = net->forward(input);
  const Tensor of = parameter ? net->parameters()[0] : input;
  const Tensor gradient = torch::autograd::grad({out.square().sum()}, {of}, {}, true, twice)[0];
  return at::mse_loss(out, batch.y) * (1 + gradient.square().mean());
}

template <class Shard>
void check_torch(bool twice, bool parameter) {
  INFO(std::string(Shard::name) << ", " << twice << parameter);
  comm::Solo comm;
  const Batch batch;
  torch::nn::Sequential own = torch_net(), plain = torch_net();
  auto trainer = Whole<Shard>::make(own, comm, optim::Sgd{.learning_rate = 0.2, .momentum = 0});
  for (int step = 0; step < 3; ++step) {
    trainer.step([&] { return torch_loss(own, batch, twice, parameter); });
    plain->zero_grad();
    torch_loss(plain, batch, twice, parameter).backward();
    const at::NoGradGuard guard;
    for (Tensor& p : plain->parameters()) p.sub_(0.2 * p.grad());
  }
  const auto got = trainer.full_parameters();
  for (std::size_t k = 0; k < got.size(); ++k)
    CHECK(at::allclose(got[k].value, plain->parameters()[k], 1e-5, 1e-6));
}

TEST_CASE("and so is one of a torch module") {
  for (const bool twice : {false, true})
    for (const bool parameter : {false, true}) {
      check_torch<shard::Replicate>(twice, parameter);
      check_torch<shard::Zero2>(twice, parameter);
      check_torch<shard::Zero3>(twice, parameter);
    }
}

TEST_CASE("train.20: nor one of a torch module's") {
  comm::Solo comm;
  const Batch batch;
  torch::nn::Sequential net = torch_net();
  auto trainer = Whole<shard::Replicate>::make(net, comm, optim::Sgd{});
  CHECK_THAT(sentence([&] {
               trainer.step([&] {
                 net->forward(batch.x).square().mean().backward();
                 return at::mse_loss(net->forward(batch.x), batch.y);
               });
             }),
             ContainsSubstring("[ashlar.train.20]") && ContainsSubstring("'0.weight'"));
}

TEST_CASE("what a backward between steps leaves does not count, as after zero_grad()") {
  comm::Solo comm;
  const Batch batch;
  auto trainer = Whole<shard::Replicate>::make<Net>(comm, optim::Sgd{});
  auto calm = Whole<shard::Replicate>::make<Net>(comm, optim::Sgd{});
  (*trainer.model().head.weight).square().sum().backward();
  trainer.step(batch.x, batch.y);
  calm.step(batch.x, batch.y);
  CHECK(trainer.full_parameters()[4].value.equal(calm.full_parameters()[4].value));
}

}  // namespace
}  // namespace ashlar
