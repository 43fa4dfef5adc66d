// Trace: a recorded step is the step, bit for bit, and its file shows every collective that ran.
// processes: 1 4
// gpus: 1 2
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/recorded.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/policies.hpp>

#include "data/temporary.hpp"
#include "support/world.hpp"

namespace ashlar::test {
namespace {

using Catch::Matchers::ContainsSubstring;

#ifdef ASHLAR_WITH_CUDA
constexpr bool captures = cuda::has_kernels;
#else
constexpr bool captures = false;
#endif

constexpr int layers = 3;
using Llama = models::Llama<models::LlamaShape{
    .vocabulary = 61, .layers = layers, .dim = 36, .heads = 6, .kv_heads = 2, .ffn = 50, .rope_base = 10000}>;

std::pair<Tensor, Tensor> words(int step) {  // (4, 12), both
  const Tensor ids = at::arange(4 * 13).mul_(7 + step).add_(3 * world().rank()).remainder_(61).view({4, 13});
  return {ids.narrow(1, 0, 12).contiguous(), ids.narrow(1, 1, 12).contiguous()};
}

// What rank 0 wrote, read by it alone.
nlohmann::json trace_in(const std::filesystem::path& file) {
  return nlohmann::json::parse(read(file));
}

struct Seen {
  std::map<std::string, int> count;  // of slices, by name, of all ranks
  std::vector<double> met;           // by rank: the end of the last sum
  int collectives = 0;               // of rank 0
  long bytes = 0;
};

Seen look(const nlohmann::json& trace) {
  Seen seen;
  std::map<std::pair<int, int>, double> free;  // by rank and lane
  seen.met.resize(static_cast<std::size_t>(world().size()));
  for (const auto& event : trace["traceEvents"]) {
    if (event["ph"] != "X") continue;
    const int rank = event["pid"], lane = event["tid"];
    const double begin = event["ts"], end = begin + event["dur"].get<double>();
    const std::string name = event["name"];
    INFO(name << " on rank " << rank);
    CHECK(begin >= 0);
    CHECK(end >= begin);
    CHECK(begin >= free[{rank, lane}] - 1e-6);
    free[{rank, lane}] = end;
    ++seen.count[name];
    if (name == "root loss and norm") seen.met.at(static_cast<std::size_t>(rank)) = end;
    if (rank == 0 && event["args"].contains("bytes")) {
      ++seen.collectives;
      seen.bytes += event["args"]["bytes"].get<long>();
    }
  }
  return seen;
}

template <class Shard, class Checkpoint = checkpoint::None>
void check_trace(Recipe recipe) {
  using Strategy =
      Trainer<Shard, precision::Bf16Mixed, offload::None, wrap::Each<Llama::Block>, Checkpoint, replay::None>;
  INFO(Shard::name << ", " << Checkpoint::name);
  const TemporaryDirectory dir;
  comm::Recorded<World&> recorded(world()), other(world());
  auto trainer = Strategy::template make<Llama>(recorded, optim::AdamW{}, recipe);
  auto plain = Strategy::template make<Llama>(other, optim::AdamW{}, recipe);
  for (int step = 0; step < 3; ++step) {
    const auto [ids, targets] = words(step);
    if (step == 1) trainer.trace(dir / "step.json");
    recorded.clear();
    CHECK(trainer.step(ids, targets).loss == plain.step(ids, targets).loss);
    if (step != 1) continue;

    const report::Summary summary = trainer.traced();
    CHECK(summary.step > 0);
    CHECK(summary.compute > 0);
    CHECK(summary.compute <= summary.step);
    CHECK(summary.hidden <= summary.communication);
    if (world().rank() != 0) {
      CHECK_FALSE(std::filesystem::exists(dir / "step.json"));
      continue;
    }
    const auto trace = trace_in(dir / "step.json");
    CHECK(trace["otherData"]["step_ms"] == summary.step);
    CHECK(trace["otherData"]["hidden"] == summary.hidden_fraction());
    const Seen seen = look(trace);

    // Of what ran, only the two that bring the ranks' timelines together are not in it.
    long bytes = 0;
    for (std::size_t i = 0; i + 2 < recorded.calls().size(); ++i) bytes += recorded.calls()[i].bytes;
    CHECK(seen.collectives == static_cast<int>(recorded.calls().size()) - 2);
    CHECK(seen.bytes == bytes);

    const int all = world().size(), passes = all * recipe.micro_batches;
    const bool again = Checkpoint::name != std::string_view("None");
    for (int layer = 0; layer < layers; ++layer) {
      const std::string unit = "blocks." + std::to_string(layer);
      INFO(unit);
      CHECK(seen.count.at(unit + " forward") >= passes);
      CHECK(seen.count.at(unit + " backward") >= passes);
      CHECK(seen.count.count(unit + " forward again") == (again ? 1 : 0));
      CHECK(seen.count.at(unit + " reduce") == (shards_gradients<Shard> ? passes : all));
      CHECK(seen.count.at(unit + " update") == all);
      CHECK(seen.count.count(unit + " unshard") == (shards_parameters<Shard> ? 1 : 0));
      CHECK(seen.count.count(unit + " publish") ==
            (shards_optimizer<Shard> && !shards_parameters<Shard> ? 1 : 0));
    }
    for (const double met : seen.met) CHECK(met == Catch::Approx(seen.met[0]));
  }
}

TEST_CASE("a trace shows what each rank computes and sends") {
  Recipe plain, cut;
  plain.clip_norm = 0.1;
  cut.micro_batches = 2;
  check_trace<shard::Zero3, checkpoint::Recompute>(cut);
  check_trace<shard::ShardGradOp>(plain);
  check_trace<shard::Zero1>(cut);
}

TEST_CASE("a replayed step is recorded as it is replayed") {
  using Strategy = Trainer<shard::Zero3, precision::Bf16Mixed, offload::None, wrap::Each<Llama::Block>>;
  const TemporaryDirectory dir;
  auto trainer = Strategy::make<Llama>(world(), optim::AdamW{}),
       plain = Strategy::make<Llama>(world(), optim::AdamW{});
  for (int step = 0; step < 8; ++step) {
    const auto [ids, targets] = words(step);
    if (step == 4 || step == 5) trainer.trace(dir / std::to_string(step));
    CHECK(trainer.step(ids, targets).loss == plain.step(ids, targets).loss);
    CHECK(trainer.replayed() == (captures && step > 1));
  }
  if (world().rank() != 0) return;
  const Seen first = look(trace_in(dir / "4")), second = look(trace_in(dir / "5"));
  CHECK(first.count == second.count);
  CHECK(first.count.at("blocks.0 unshard") == 2 * world().size());
}

TEST_CASE("a step that fails leaves the trace to the next one") {
  using Strategy = Trainer<shard::Zero3, precision::Bf16Mixed, offload::None, wrap::Each<Llama::Block>>;
  const TemporaryDirectory dir;
  auto trainer = Strategy::make<Llama>(world(), optim::AdamW{});
  const auto [ids, targets] = words(0);
  trainer.trace(dir / "step.json");
  CHECK_THAT(sentence([&, &ids = ids, &targets = targets] {
               const Tensor in = ids.to(trainer.device()), due = targets.to(trainer.device());
               trainer.step([&](auto& run) { return trainer.model().loss(run, in, due).detach(); });
             }),
             ContainsSubstring("[ashlar.train.6]"));
  trainer.evaluate(ids, targets);
  trainer.step(ids, targets);
  if (world().rank() != 0) return;
  const Seen seen = look(trace_in(dir / "step.json"));
  CHECK(seen.count.at("blocks.1 update") == world().size());
  CHECK(seen.count.at("blocks.1 reduce") == world().size());
  CHECK_THAT(sentence([&] { trainer.trace("/nowhere/step.json"); }), ContainsSubstring("[ashlar.report.3]"));
}

}  // namespace
}  // namespace ashlar::test
