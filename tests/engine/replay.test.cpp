// Replay: a step replayed as a CUDA graph is the step launched kernel by kernel, bit for bit, whatever comes
// between. Where nothing is captured, replay::Graph changes nothing.
// processes: 1 2
// gpus: 1 2
#include <ATen/core/grad_mode.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include <cmath>
#include <limits>
#include <vector>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/recorded.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/policies.hpp>

#include "data/temporary.hpp"
#include "support/full_parameters.hpp"
#include "support/world.hpp"

namespace ashlar::test {
namespace {

using Catch::Matchers::ContainsSubstring;

#ifdef ASHLAR_WITH_CUDA
constexpr bool captures = cuda::has_kernels;
#else
constexpr bool captures = false;
#endif

using Llama = models::Llama<models::LlamaShape{
    .vocabulary = 61, .layers = 3, .dim = 36, .heads = 6, .kv_heads = 2, .ffn = 50, .rope_base = 10000}>;

struct Batch {
  Tensor inputs, targets;
};

Batch words(int step, long rows) {  // (rows, 12)
  const Tensor ids =
      at::arange(rows * 13).mul_(7 + step).add_(3 * world().rank()).remainder_(61).view({rows, 13});
  return {ids.narrow(1, 0, 12).contiguous(), ids.narrow(1, 1, 12).contiguous()};
}

template <class Shard, class Precision, class Checkpoint>
void check_bit_equal(Recipe recipe) {
  using Eager = Trainer<Shard, Precision, offload::None, wrap::Each<Llama::Block>, Checkpoint, replay::None>;
  using Graph = Trainer<Shard, Precision, offload::None, wrap::Each<Llama::Block>, Checkpoint, replay::Graph>;
  INFO(Shard::name << ", " << Precision::name << ", " << Checkpoint::name);
  auto eager = Eager::template make<Llama>(world(), optim::AdamW{.learning_rate = 1e-2}, recipe);
  auto graph = Graph::template make<Llama>(world(), optim::AdamW{.learning_rate = 1e-2}, recipe);
  int replays = 0;
  // Two shapes in turn; the first is captured twice, for the second takes its place.
  const std::vector<long> rows{4, 4, 4, 4, 2, 4, 2, 2, 2, 2, 4, 4, 4, 4};
  for (int step = 0; step < static_cast<int>(rows.size()); ++step) {
    const auto [inputs, targets] = words(step, rows[static_cast<std::size_t>(step)]);
    const Report due = eager.step(inputs, targets), got = graph.step(inputs, targets);
    INFO("step " << step);
    CHECK(got.loss == due.loss);
    CHECK(got.gradient_norm == due.gradient_norm);
    CHECK(got.learning_rate == due.learning_rate);
    CHECK(got.step == due.step);
    CHECK_FALSE(eager.replayed());
    replays += graph.replayed() ? 1 : 0;
    if (step % 3 == 0) CHECK(graph.evaluate(inputs, targets) == eager.evaluate(inputs, targets));
  }
  const bool fuses = Precision::master == dtype::f32;
  CHECK(replays == (captures && fuses ? 8 : 0));
  check_equal(graph.full_parameters(), eager.full_parameters());
}

TEST_CASE("a replayed step is a launched step, bit for bit") {
  const Recipe plain{.schedule = {.warmup = 3, .total = 14}};
  Recipe clipped = plain, cut = plain;
  clipped.clip_norm = 0.1;
  cut.micro_batches = 2;
  check_bit_equal<shard::Zero3, precision::Bf16Mixed, checkpoint::None>(clipped);
  check_bit_equal<shard::Zero3, precision::Bf16Mixed, checkpoint::Recompute>(cut);
#ifdef ASHLAR_WITH_CUDA  // where nothing is captured, the pairs of parity show as much
  check_bit_equal<shard::Zero3, precision::Fp32, checkpoint::None>(plain);
  check_bit_equal<shard::ShardGradOp, precision::Bf16Mixed, checkpoint::None>(cut);
  check_bit_equal<shard::Zero2, precision::Bf16Mixed, checkpoint::None>(clipped);
  check_bit_equal<shard::Zero1, precision::Bf16Mixed, checkpoint::None>(clipped);
  check_bit_equal<shard::Replicate, precision::Bf16Mixed, checkpoint::None>(clipped);
  check_bit_equal<shard::Zero3, precision::Bf16Split, checkpoint::None>(clipped);
  check_bit_equal<shard::Zero1, precision::Bf16Split, checkpoint::None>(clipped);
  check_bit_equal<shard::Replicate, precision::Bf16Split, checkpoint::None>(clipped);
  check_bit_equal<shard::Zero3, precision::Bf16Pure, checkpoint::None>(plain);
#endif
}

// Floating inputs, so that a batch can hold what is not finite.
struct Net {
  using Inner = nn::Linear<6, 8>;
  using Head = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Inner, inner), (Head, head));

  Tensor forward(auto& run, const Tensor& x) const { return run(head, at::tanh(run(inner, x))); }
  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const {
    return at::mse_loss(forward(run, x).to(at::kFloat), y.to(at::kFloat));
  }
};
using Nets = Trainer<shard::Zero3, precision::Bf16Mixed, offload::None, wrap::Each<Net::Inner>>;

Batch numbers(int step) {
  const Tensor x = at::arange(24, at::kFloat).add_(step + world().rank()).sin_().view({4, 6});
  return {x, x.sum(1, true)};
}

TEST_CASE("a replayed step that is not finite changes nothing, and is blamed") {
  auto trainer = Nets::make<Net>(world(), optim::AdamW{}), calm = Nets::make<Net>(world(), optim::AdamW{});
  for (int step = 0; step < 4; ++step) {
    const auto [x, y] = numbers(step);
    trainer.step(x, y);
    calm.step(x, y);
  }
  auto [x, y] = numbers(4);
  x[1][2] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THAT(sentence([&, &x = x, &y = y] { trainer.step(x, y); }),
             ContainsSubstring("[ashlar.train.2]") && ContainsSubstring("the output of 'inner'"));
  CHECK(trainer.replayed() == captures);
  CHECK(trainer.steps() == 4);
  check_equal(trainer.full_parameters(), calm.full_parameters());
  const auto [again, due] = numbers(5);
  CHECK(trainer.step(again, due).loss == calm.step(again, due).loss);
}

struct Dropping {
  using Inner = nn::Linear<6, 8>;
  using Head = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Dropping, (Inner, inner), (Head, head), (torch::nn::Dropout, dropout));

  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const {
    return at::mse_loss(run(head, run(dropout, run(inner, x))).to(at::kFloat), y.to(at::kFloat));
  }
};

TEST_CASE("a step that draws random numbers is not captured") {
  using Strategy = Trainer<shard::Zero3, precision::Bf16Mixed, offload::None, wrap::WholeModel>;
  auto trainer = Strategy::make<Dropping>(world(), optim::AdamW{});
  for (int step = 0; step < 6; ++step) {
    const auto [x, y] = numbers(step);
    trainer.step(x, y);
    CHECK_FALSE(trainer.replayed());
  }
}

#ifdef ASHLAR_WITH_CUDA  // elsewhere every step is as engine/intact has it
struct Holding {
  using Head = torch::nn::Linear;
  BOOST_HANA_DEFINE_STRUCT(Holding, (Head, head));

  Holding() : head(6, 1) {}
  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const { return at::mse_loss(run(head, x), y); }
};
Holding holding() {
  at::manual_seed(1);
  return {};
}

TEST_CASE("a write between replayed steps counts, and what must not happen between them is refused") {
  using Eager = Trainer<shard::Replicate, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::None,
                        replay::None>;
  using Graph = Trainer<shard::Replicate, precision::Fp32, offload::None, wrap::WholeModel>;
  auto eager = Eager::make(holding(), world(), optim::AdamW{});
  auto graph = Graph::make(holding(), world(), optim::AdamW{});
  const auto bias = [](auto& trainer) -> Tensor& { return trainer.model().head->bias; };
  int n = 0;
  const auto steps = [&](int count) {
    for (const int end = n + count; n < end; ++n) {
      const auto [x, y] = numbers(n);
      CHECK(graph.step(x, y).loss == eager.step(x, y).loss);
    }
  };
  const auto refused = [&] {
    const auto [x, y] = numbers(n);
    return sentence([&, &x = x, &y = y] { graph.step(x, y); });
  };
  steps(5);
  CHECK(graph.replayed() == captures);
  for (Tensor* each : {&bias(graph), &bias(eager)}) {
    const at::NoGradGuard guard;
    each->add_(1);
  }
  steps(5);
  CHECK(graph.replayed() == captures);

  bias(graph).requires_grad_(false);
  CHECK_THAT(refused(), ContainsSubstring("[ashlar.parameter.2]"));
  CHECK(graph.steps() == n);
  bias(graph).requires_grad_(true);
  steps(5);
  CHECK(graph.replayed() == captures);
  check_equal(graph.full_parameters(), eager.full_parameters());

  bias(graph).set_data(at::ones_like(bias(graph)));
  CHECK_THAT(refused(), ContainsSubstring("[ashlar.parameter.1]"));
  CHECK(graph.steps() == n);
}
#endif

TEST_CASE("an objective of one's own, and a recorded communicator, are not captured") {
  auto trainer = Nets::make<Net>(world(), optim::AdamW{});
  comm::Recorded<World&> recorded(world());
  auto other = Nets::make<Net>(recorded, optim::AdamW{});
  for (int step = 0; step < 6; ++step) {
    const auto [x, y] = numbers(step);
    const Tensor in = x.to(trainer.device(), at::kBFloat16), due = y.to(trainer.device());
    const double own = trainer.step([&](auto& run) { return trainer.model().loss(run, in, due); }).loss;
    CHECK(other.step(x, y).loss == own);
    CHECK_FALSE(trainer.replayed());
    CHECK_FALSE(other.replayed());
  }
}

}  // namespace
}  // namespace ashlar::test
