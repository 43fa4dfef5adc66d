// The plan's peak beside what LibTorch's allocator sees during a step.
// processes: 1 2
// timeout: 300
#define CATCH_CONFIG_RUNNER
#include <ATen/ATen.h>

#include <string>
#include <tuple>

#include <boost/hana.hpp>

#include <ashlar/models/gpt.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/plan/rehearse.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/report/tensor_memory.hpp>
#include <ashlar/training.hpp>

#include "support/world.hpp"

namespace ashlar::test {
namespace {

constexpr models::GptShape gpt{.vocabulary = 512, .context = 128, .layers = 4, .heads = 4, .dim = 128};
constexpr models::LlamaShape llama{.vocabulary = 512, .layers = 4, .dim = 128, .heads = 4, .kv_heads = 2, .ffn = 352};
constexpr long sequences = 4, tokens = 128;

template <class Model, class Shard, class Checkpoint>
void check() {
  using Strategy = Trainer<Shard, precision::Fp32, offload::None, wrap::Each<typename Model::Block>, Checkpoint>;
  const c10::Device device = device_of(world());
  const long before = report::tensor_bytes(device);
  auto trainer = Strategy::template make<Model>(world(), optim::AdamW{});
  const long kept = report::tensor_bytes(device) - before;
  const Plan plan = trainer.plan();
  CHECK(kept == plan.kept());

  const Tensor ids = at::arange(sequences * tokens).remainder(509).view({sequences, tokens}).to(device);
  const Tensor targets = (ids + 1).contiguous();
  trainer.step(ids, targets);
  report::reset_peak_tensor_bytes(device);
  trainer.step(ids, targets);
  const long peak = report::peak_tensor_bytes(device) - before;
  const long planned = ashlar::plan<Strategy, Model>(ashlar::world{world().size()}, batch{sequences, tokens}).peak();
  INFO(plan.shard << ", " << plan.checkpoint << ": " << planned << " of " << peak << " bytes, " << kept << " kept");
  std::printf("%s %s kept %ld most %ld of %ld %.4f\n", plan.shard.data(), plan.checkpoint.data(), kept, planned-kept, peak-kept, double(planned-kept)/double(peak-kept));
  CHECK(planned == Catch::Approx(peak).epsilon(0.03));
}

template <class Model>
void check_all() {
  boost::hana::for_each(boost::hana::tuple_t<shard::Replicate, shard::Zero1, shard::Zero2, shard::ShardGradOp, shard::Zero3>,
                        [](auto shard) {
                          using Shard = typename decltype(shard)::type;
                          check<Model, Shard, checkpoint::None>();
                          check<Model, Shard, checkpoint::Recompute>();
                        });
}

TEST_CASE("Gpt's peak is as planned, for each Shard and Checkpoint") { check_all<models::Gpt<gpt>>(); }
TEST_CASE("Llama's peak is as planned, for each Shard and Checkpoint") { check_all<models::Llama<llama>>(); }

}  // namespace
}  // namespace ashlar::test

int main(int argc, char** argv) {
  return ashlar::test::run_in_world(argc, argv);
}
