// The modes of LibTorch that a step may be called in, or a model made in: without gradients, and for
// inference alone; and what an objective returns and asks autograd for.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/linear.h>

#include <optional>
#include <string>
#include <type_traits>

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

struct Net {
  using Hidden = nn::Linear<6, 6>;
  using Head = nn::Linear<6, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Hidden, hidden), (Head, head));
  // Whether the loss takes a gradient of a parameter that may be a unit's own.
  bool asks = false;

  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const {
    const Tensor loss = at::mse_loss(run(head, at::tanh(run(hidden, x))), y);
    if (!asks) return loss;
    return loss + torch::autograd::grad({loss}, {*hidden.weight}, {}, true, true)[0].square().sum();
  }
};

template <class Shard>
using Whole = Trainer<Shard, precision::Fp32, offload::None, wrap::WholeModel>;
template <class Shard, class... Types>
using Units = Trainer<Shard, precision::Fp32, offload::None, wrap::Each<Types...>>;

}  // namespace

TEST_CASE("train.6: a step under NoGradGuard or InferenceMode says so") {
  comm::Solo comm;
  const Batch batch;
  auto trainer = Whole<shard::Zero3>::make<Net>(comm, sgd, recipe);
  const auto step = [&] { trainer.step(batch.x, batch.y); };
  const auto check = [](const std::string& words) {
    CHECK_THAT(words, ContainsSubstring("[ashlar.train.6]") && ContainsSubstring("NoGradGuard"));
  };
  check(sentence([&] {
    const at::NoGradGuard guard;
    step();
  }));
  check(sentence([&] {
    const c10::InferenceMode guard;
    step();
  }));
  CHECK(sentence(step) == "no error");
}

TEST_CASE("a batch that was made in InferenceMode is trained on") {
  comm::Solo comm;
  Batch batch;
  const auto of = [&]<class Strategy>(std::type_identity<Strategy>, bool inference) {
    Tensor x = batch.x, y = batch.y;
    {
      std::optional<c10::InferenceMode> guard;
      if (inference) guard.emplace();
      x = x.clone(), y = y.clone();
    }
    auto trainer = Strategy::template make<Net>(comm, sgd, recipe);
    trainer.step(x, y);
    return trainer.step(x, y).loss;
  };
  const std::type_identity<Whole<shard::Zero2>> whole;
  const std::type_identity<Units<shard::Zero3, Net::Head>> units;
  CHECK(of(whole, true) == of(whole, false));
  CHECK(of(units, true) == of(units, false));
}

TEST_CASE("model.21: a trainer and its model are made outside of InferenceMode") {
  comm::Solo comm;
  CHECK_THAT(sentence([&] {
               const c10::InferenceMode guard;
               Whole<shard::Replicate>::make<Net>(comm, sgd, recipe);
             }),
             ContainsSubstring("[ashlar.model.21]"));
  std::optional<torch::nn::Linear> module;
  {
    const c10::InferenceMode guard;
    module.emplace(6, 1);
  }
  CHECK_THAT(sentence([&] { Whole<shard::Zero3>::make(*module, comm, sgd, recipe); }),
             ContainsSubstring("[ashlar.model.21]") && ContainsSubstring("'weight'"));
}

TEST_CASE("an objective's one number may be of any number of dimensions") {
  comm::Solo comm;
  const Batch batch;
  auto trainer = Whole<shard::Zero3>::make<Net>(comm, sgd, recipe);
  const auto loss = [&](auto& run) { return trainer.model().loss(run, batch.x, batch.y); };
  const double expected = trainer.evaluate(loss);
  CHECK(trainer.evaluate([&](auto& run) { return loss(run).view({1, 1}); }) == expected);
  CHECK(trainer.evaluate([&](auto& run) { return loss(run).to(at::kDouble).view({1}); }) == expected);
  CHECK(trainer.step([&](auto& run) { return loss(run).view({1}); }).loss == Catch::Approx(expected));
}

TEST_CASE("train.21: autograd::grad finds no parameter of a unit") {
  comm::Solo comm;
  const Batch batch;
  Net net;
  net.asks = true;
  const auto refusal = [&]<class Strategy>(std::type_identity<Strategy>) {
    auto trainer = Strategy::make(net, comm, sgd, recipe);
    return sentence([&] { trainer.step(batch.x, batch.y); });
  };
  for (const std::string& words :
       {refusal(std::type_identity<Units<shard::Replicate, Net::Hidden>>()),
        refusal(std::type_identity<Units<shard::Zero2, Net::Hidden>>()),
        refusal(std::type_identity<Trainer<shard::Zero1, precision::Fp32, offload::None, wrap::WholeModel,
                                           checkpoint::RecomputeEach<Net::Hidden>>>())})
    CHECK_THAT(words, ContainsSubstring("[ashlar.train.21]") && ContainsSubstring("wrap::WholeModel"));
  CHECK(refusal(std::type_identity<Whole<shard::Zero3>>()) == "no error");
}

}  // namespace ashlar
