// Recompute: repeated layers keep only inputs and attention, and backward runs their forward again.
//
// On a CPU the gradients are the same bits; the memory for activations shrinks to that of one layer.
// RecomputeEach chooses the modules that pay: here the feed-forward layers, whose activations are the widest.
// LibTorch's allocator is watched during a step, so the peaks below are what was really allocated.
//
//   run:  .build/release/examples/06_recompute
//   see:  three equal losses and three peaks
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

using Gpt =
    models::Gpt<models::GptShape{.vocabulary = 64, .context = 128, .layers = 8, .heads = 4, .dim = 64}>;

// What is allocated now, and the most that was at once.
struct Peak : c10::MemoryReportingInfoBase {
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device) override {
    bytes = std::max(bytes, now += size);
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t now = 0, bytes = 0;
};

template <class Checkpoint>
std::pair<double, int64_t> train() {
  using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Gpt::Block>, Checkpoint>;
  const auto peak = std::make_shared<Peak>();
  const c10::DebugInfoGuard watch(c10::DebugInfoKind::PROFILER_STATE, peak);
  comm::Solo world;
  auto trainer = Strategy::template make<Gpt>(world, optim::AdamW{}, {.seed = 1});
  const Tensor ids = at::arange(8 * 129, at::kLong).view({8, 129}).remainder(61);
  const Tensor inputs = ids.narrow(1, 0, 128), targets = ids.narrow(1, 1, 128);
  trainer.step(inputs, targets);

  const int64_t kept = peak->now;
  peak->bytes = 0;
  const double loss = trainer.step(inputs, targets).loss;
  const int64_t activations = peak->bytes - kept;
  std::printf("%-13s loss %.17g, peak %5.1f MB\n", Checkpoint::name.data(), loss, double(activations) / 1e6);
  return {loss, activations};
}

int main() {
  return comm::guarded([] {
    const auto [loss, peak] = train<checkpoint::None>();
    const auto [chosen_loss, chosen_peak] = train<checkpoint::RecomputeEach<Gpt::Block::Mlp>>();
    const auto [same_loss, smaller_peak] = train<checkpoint::Recompute>();
    const bool smaller = smaller_peak < chosen_peak && chosen_peak < peak && smaller_peak * 2 < peak;
    return loss == chosen_loss && loss == same_loss && smaller ? 0 : 1;
  });
}
