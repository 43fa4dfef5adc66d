// The plan's peak beside what LibTorch's allocator sees during a step.
// processes: 1 2
// timeout: 300
#define CATCH_CONFIG_RUNNER
#include <ATen/ATen.h>

#include <ashlar/models/gpt.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/plan/rehearse.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/report/tensor_memory.hpp>
#include <ashlar/training.hpp>

#include "support/world.hpp"

namespace ashlar::test {
namespace {

constexpr models::GptShape gpt{.vocabulary = 512, .context = 1024, .layers = 4, .heads = 4, .dim = 128};
constexpr models::LlamaShape llama{
    .vocabulary = 512, .layers = 4, .dim = 128, .heads = 4, .kv_heads = 2, .ffn = 352};

template <class Model, class Shard, class Precision, class Checkpoint>
void check(long sequences, long tokens) {
  using Strategy = Trainer<Shard, Precision, offload::None, wrap::Each<typename Model::Block>, Checkpoint>;
  const c10::Device device = device_of(world());
  const long before = report::tensor_bytes(device);
  auto trainer = Strategy::template make<Model>(world(), optim::AdamW{});
  const Plan kept = trainer.plan();
  CHECK(report::tensor_bytes(device) - before == kept.kept());

  long peak = 0;
  for (int step = 0; step < 2; ++step) {
    const Tensor ids = at::arange(sequences * tokens).remainder(509).view({sequences, tokens}),
                 targets = ids + 1;
    report::reset_peak_tensor_bytes(device);
    trainer.step(ids, targets);
    peak = report::peak_tensor_bytes(device) - before;
    INFO(kept.shard << ", " << kept.precision << ", " << kept.checkpoint << ", " << sequences << " x "
                    << tokens);
    CHECK(trainer.plan(ids, targets).peak() == peak);
  }
  CHECK(plan<Strategy, Model>(ashlar::world{world().size()}, batch{sequences, tokens}).peak() == peak);
}

template <class Model, class Shard, class Precision>
void check_both(long sequences, long tokens) {
  check<Model, Shard, Precision, checkpoint::None>(sequences, tokens);
  check<Model, Shard, Precision, checkpoint::Recompute>(sequences, tokens);
}

template <class Model>
void check_all() {
  using precision::Fp32;
  check_both<Model, shard::Replicate, Fp32>(4, 128);
  check_both<Model, shard::Zero1, Fp32>(4, 128);
  check_both<Model, shard::Zero2, Fp32>(4, 128);
  check_both<Model, shard::ShardGradOp, Fp32>(4, 128);
  for (const long tokens : {31, 128, 200, 1024}) check_both<Model, shard::Zero3, Fp32>(2, tokens);
  check_both<Model, shard::Zero3, precision::Bf16Mixed>(2, 512);
}

TEST_CASE("Gpt's peak is as planned") {
  check_all<models::Gpt<gpt>>();
}
TEST_CASE("Llama's peak is as planned") {
  check_all<models::Llama<llama>>();
}

}  // namespace
}  // namespace ashlar::test

int main(int argc, char** argv) {
  return ashlar::test::run_in_world(argc, argv);
}
