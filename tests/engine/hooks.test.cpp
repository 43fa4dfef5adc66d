// Hooks that a user puts on a parameter's gradient, and LibTorch's automatic casts around a declared model's
// operations: both change what an operation would write into a window by itself. The numbers are those of a
// plain loop.
#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/solo.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/policies.hpp>

#include "engine/plain_loop.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using test::recipe;
using test::sgd;

enum class Does {
  scales,     // a hook returns another gradient
  watches,    // or reads it alone
  after,      // or reads what is accumulated
  casts,      // the forward runs under automatic casts
  casts_all,  // and so does the backward
};

// While there is one, LibTorch casts to bfloat16 on a CPU.
struct Casts {
  Casts() { at::autocast::set_autocast_enabled(at::kCPU, true); }
  ~Casts() {
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
  }
};

// A hook on what accumulates a weight's gradient.
struct Reads : torch::autograd::FunctionPostHook {
  Reads(const Tensor& of, double* into) : weight(of), seen(into) {}
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list&) override {
    *seen += weight.grad().square().sum().item().toDouble();
    return outputs;
  }
  Tensor weight;
  double* seen;
};

// What a model does besides, each parameter once.
struct Hooks {
  Does does;
  double seen = 0;  // by them
  std::set<const void*> met{};

  void on(const Tensor& weight) {
    if (!met.insert(weight.unsafeGetTensorImpl()).second) return;
    if (does == Does::scales) weight.register_hook([](const Tensor& g) { return g * 0.25; });
    if (does == Does::watches)
      weight.register_hook([this](const Tensor& g) { seen += g.square().sum().item().toDouble(); });
    if (does == Does::after)
      torch::autograd::impl::grad_accumulator(weight)->add_post_hook(std::make_unique<Reads>(weight, &seen));
  }
};

struct Layer {
  using Inner = nn::Linear<6, 6>;
  BOOST_HANA_DEFINE_STRUCT(Layer, (Inner, inner));
  Hooks* hooks = nullptr;
  // (R, 6) -> same. The weight is used twice, and backward reads the exponential.
  Tensor forward(auto& run, const Tensor& x) const {
    hooks->on(*inner.weight);
    return run(inner, at::tanh(run(inner, x)).exp());
  }
};

struct Net {
  using Layers = std::array<Layer, 2>;
  using Head = nn::Linear<6, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layers, layers), (Head, head));
  Hooks* hooks;
  explicit Net(Hooks& all) : hooks(&all) {
    for (Layer& layer : layers) layer.hooks = &all;
  }

  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const {
    hooks->on(*head.weight);
    hooks->on(*head.bias);
    std::optional<Casts> casts;
    if (hooks->does == Does::casts) casts.emplace();
    Tensor h = x;
    for (const Layer& layer : layers) h = run(layer, h);
    return at::mse_loss(run(head, h).to(at::kFloat), y);
  }
};

template <class Strategy>
void check_strategy(Does does) {
  INFO(std::string(Strategy::Shard::name)
       << ", " << std::string(Strategy::Checkpoint::name) << ", " << static_cast<int>(does));
  comm::Solo comm;
  Hooks hooks{does}, plain_hooks{does};
  auto trainer = Strategy::make(Net(hooks), comm, sgd, recipe);
  test::Reference<precision::Fp32, Net, optim::Sgd> plain(sgd, recipe, c10::kCPU, Net(plain_hooks));
  const test::Batch batch;
  for (int step = 0; step < 3; ++step) {
    std::optional<Casts> casts;
    if (does == Does::casts_all) casts.emplace();
    const double loss = trainer.step(batch.x, batch.y).loss;
    CHECK(loss == Catch::Approx(plain.step([&](const auto& model, int i) {
            return model.loss(batch.x.narrow(0, 2 * i, 2), batch.y.narrow(0, 2 * i, 2));
          })));
  }
  const auto got = trainer.full_parameters();
  for (std::size_t k = 0; k < got.size(); ++k) {
    INFO(got[k].name);
    CHECK(at::allclose(got[k].value, plain.master(k), 1e-5, 1e-6));
  }
  CHECK(hooks.seen == Catch::Approx(plain_hooks.seen));
}

template <class Shard>
void check(Does does) {
  check_strategy<Trainer<Shard, precision::Fp32, offload::None, wrap::WholeModel>>(does);
  check_strategy<Trainer<Shard, precision::Fp32, offload::None, wrap::Each<Layer>, checkpoint::Recompute>>(
      does);
}

}  // namespace

TEST_CASE("a hook on a declared parameter's gradient gets that, and what it returns counts") {
  for (const Does does : {Does::scales, Does::watches, Does::after}) {
    check<shard::Replicate>(does);
    check<shard::Zero3>(does);
  }
}

TEST_CASE("under automatic casts a declared model trains as in a plain loop") {
  for (const Does does : {Does::casts, Does::casts_all}) {
    check<shard::Replicate>(does);
    check<shard::Zero3>(does);
  }
}

}  // namespace ashlar
