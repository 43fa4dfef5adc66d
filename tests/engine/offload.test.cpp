// OptimizerToHost: the same arithmetic as an optimizer that updates on the CPU without it, bit for bit, and
// in the memory that the plan says, whatever follows a step whose update is under way.
// processes: 1 2
// gpus: 1 2
// labels: unit
#include <atomic>
#include <chrono>
#include <map>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <ashlar/ashlar.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/report/tensor_memory.hpp>

#include "support/full_parameters.hpp"
#include "support/world.hpp"

namespace ashlar::test {
namespace {

using Llama = models::Llama<models::LlamaShape{
    .vocabulary = 61, .layers = 3, .dim = 36, .heads = 6, .kv_heads = 2, .ffn = 50, .rope_base = 10000}>;

// AdamW, computed on the CPU wherever its tensors are. It may be slow, so that it is still at it when step()
// has returned. It may fail in its second step, at the third part of a flat that it updates there; among
// several ranks at the first, because the third lies in another unit on another rank.
struct OnHost {
  static constexpr std::string_view name = "AdamW";
  static constexpr int states = optim::AdamW::states;
  static constexpr auto state_names = optim::AdamW::state_names;

  static inline std::atomic<int> updates = 0, parts = 0;

  double learning_rate = 1e-2;
  bool slow = false, fails = false;

  void update(const Tensor& master, const Tensor& grad, std::span<const Tensor> moments, double rate,
              bool decays, long step) const {
    if (slow) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (fails && step == 2 && ++parts == (world().size() == 1 ? 3 : 1))
      throw Error("test.1", "more parts", "three", "fail no more");
    const std::vector<Tensor> own{master.cpu(), moments[0].cpu(), moments[1].cpu()};
    optim::AdamW{}.update(own[0], grad.cpu(), std::span(own).subspan(1), rate, decays, step);
    master.copy_(own[0]);
    for (std::size_t i = 0; i < 2; ++i) moments[i].copy_(own[i + 1]);
    ++updates;
  }
};

std::pair<Tensor, Tensor> words(int step) {  // (4, 12), both
  const Tensor ids = at::arange(4 * 13).mul_(7 + step).add_(3 * world().rank()).remainder_(61).view({4, 13});
  return {ids.narrow(1, 0, 12).contiguous(), ids.narrow(1, 1, 12).contiguous()};
}

template <class Shard, class Precision, class Offload>
using Blocks = Trainer<Shard, Precision, Offload, wrap::Each<Llama::Block>>;

template <class Shard, class Precision>
void check(Recipe recipe) {
  using Offloaded = Blocks<Shard, Precision, offload::OptimizerToHost>;
  using Plain = Blocks<Shard, Precision, offload::None>;
  INFO(Shard::name << ", " << Precision::name);
  const c10::Device device = device_of(world()), host(c10::kCPU);
  const auto held = [&] {
    return report::tensor_bytes(device) + (device.is_cpu() ? 0 : report::tensor_bytes(host));
  };

  const long before = held();
  auto offloaded = Offloaded::template make<Llama>(world(), optim::AdamW{.learning_rate = 1e-2}, recipe);
  const Plan planned = offloaded.plan();
  const long gradients = shards_gradients<Shard> ? planned.gradients : 0;  // which a step makes
  if (device.is_cpu()) CHECK(held() - before == planned.kept() + planned.host - gradients);
  CHECK(planned.optimizer == 0);
  CHECK(planned.host > 0);

  auto plain = Plain::template make<Llama>(world(), OnHost{}, recipe);
  for (int step = 0; step < 4; ++step) {
    const auto [ids, targets] = words(step);
    const Report due = plain.step(ids, targets), got = offloaded.step(ids, targets);
    CHECK(got.loss == due.loss);
    CHECK(got.gradient_norm == due.gradient_norm);
    CHECK_FALSE(offloaded.replayed());
  }
  check_equal(offloaded.full_parameters(), plain.full_parameters());
  for (auto& unit : offloaded.engine().units()) {
    const Tensor& kept = offloaded.engine().kept(unit.trained);
    CHECK(unit.trained.master.defined() == !splits_master<Precision>);
    for (const Tensor& tensor : {kept, unit.trained.due, unit.trained.copy}) {
      CHECK(tensor.is_cpu());
      CHECK(tensor.is_pinned() == !device.is_cpu());
    }
    for (const Tensor& state : unit.trained.states) CHECK(state.is_cpu());
  }
}

TEST_CASE("an optimizer on the host does the same arithmetic") {
  const Recipe plain{.schedule = {.warmup = 2, .total = 4}};
  Recipe clipped = plain, cut = plain;
  clipped.clip_norm = cut.clip_norm = 0.1;
  cut.micro_batches = 2;
  check<shard::Zero3, precision::Bf16Mixed>(clipped);
  check<shard::Zero3, precision::Bf16Split>(cut);
  check<shard::Zero3, precision::Bf16Pure>(plain);
  check<shard::ShardGradOp, precision::Bf16Mixed>(cut);
  check<shard::Zero2, precision::Fp32>(plain);
  check<shard::Zero1, precision::Bf16Split>(clipped);
}

std::map<std::string, Tensor> saved(auto& trainer) {
  std::map<std::string, Tensor> all;
  trainer.for_each_saved([&](const std::string& name, const Tensor& tensor) {
    if (!name.starts_with("random/")) all[name] = tensor.cpu().clone();
  });
  return all;
}

template <class Shard, class Precision = precision::Bf16Mixed>
void check_what_follows() {
  INFO(Shard::name << ", " << Precision::name);
  using Offloaded = Blocks<Shard, Precision, offload::OptimizerToHost>;
  using Plain = Blocks<Shard, Precision, offload::None>;
  const Recipe recipe{.clip_norm = 0.1};
  auto plain = Plain::template make<Llama>(world(), OnHost{}, recipe);
  auto offloaded = Offloaded::template make<Llama>(world(), OnHost{.slow = true}, recipe);
  int step = 0;
  const auto step_both = [&] {
    const auto [ids, targets] = words(step++);
    const int before = OnHost::updates;
    plain.step(ids, targets);
    const int due = OnHost::updates - before;
    offloaded.step(ids, targets);
    const bool done = OnHost::updates - before == 2 * due;
    CHECK(done != shards_parameters<Shard>);
  };
  const auto [ids, targets] = words(7);
  step_both();
  CHECK(offloaded.predict(ids).equal(plain.predict(ids)));
  step_both();
  CHECK(offloaded.evaluate(ids, targets) == plain.evaluate(ids, targets));
  step_both();
  check_equal(offloaded.full_parameters(), plain.full_parameters());
  step_both();
  const auto got = saved(offloaded), due = saved(plain);
  REQUIRE(got.size() == due.size());
  for (const auto& [name, tensor] : due) {
    INFO(name);
    CHECK(got.at(name).equal(tensor));
  }
  step_both();
  CHECK_THROWS_AS(offloaded.step([](auto&) -> Tensor { throw std::runtime_error("no loss today"); }),
                  std::runtime_error);
  step_both();
  check_equal(offloaded.full_parameters(), plain.full_parameters());
}

TEST_CASE("who reads what a step updates gets it when it is updated") {
  check_what_follows<shard::Zero3>();
  check_what_follows<shard::ShardGradOp>();
  check_what_follows<shard::Zero2, precision::Bf16Split>();
}

TEST_CASE("a trainer that ends waits for its update") {
  using Offloaded = Blocks<shard::Zero3, precision::Bf16Mixed, offload::OptimizerToHost>;
  const auto [ids, targets] = words(0);
  int before = OnHost::updates, each = 0;
  {
    auto trainer = Offloaded::make<Llama>(world(), OnHost{});
    trainer.step(ids, targets);
    trainer.full_parameters();
    each = OnHost::updates - before;
  }
  before = OnHost::updates;
  {
    auto trainer = Offloaded::make<Llama>(world(), OnHost{.slow = true});
    trainer.step(ids, targets);
    CHECK(OnHost::updates - before < each);
  }
  CHECK(each > 3);
  CHECK(OnHost::updates - before == each);
}

TEST_CASE("what an update throws is thrown by the next call that needs it, and once") {
  using Offloaded = Blocks<shard::Zero3, precision::Bf16Mixed, offload::OptimizerToHost>;
  const auto [ids, targets] = words(0);
  const auto after_failure = [&](auto&& call) {
    OnHost::parts = 0;
    auto trainer = Offloaded::make<Llama>(world(), OnHost{.fails = true});
    trainer.step(ids, targets);
    trainer.step(ids, targets);
    CHECK_THROWS_WITH(call(trainer), Catch::Matchers::ContainsSubstring("test.1"));
    CHECK(trainer.step(ids, targets).step == 3);
  };
  after_failure([&](auto& trainer) { trainer.step(ids, targets); });
  after_failure([&](auto& trainer) { trainer.predict(ids); });
  after_failure([&](auto& trainer) { trainer.full_parameters(); });
  after_failure([&](auto& trainer) { saved(trainer); });

  using Replicated = Blocks<shard::Zero2, precision::Bf16Split, offload::OptimizerToHost>;
  OnHost::parts = 0;
  auto trainer = Replicated::make<Llama>(world(), OnHost{.fails = true});
  trainer.step(ids, targets);
  CHECK_THROWS_WITH(trainer.step(ids, targets), Catch::Matchers::ContainsSubstring("test.1"));
}

}  // namespace
}  // namespace ashlar::test
