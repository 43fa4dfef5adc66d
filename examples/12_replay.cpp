// Replay: on a GPU a step is captured once, as a CUDA graph, and replayed from then on. The host then says
// one word a step where it would launch hundreds of kernels. Where kernels are deterministic, losses stay,
// bit for bit.
//
//   run:  bash cmake/launch.sh --gpus 2 .build/cuda/examples/12_replay
//   see:  microseconds a step, launched and replayed. On CPUs, where nothing is captured, both are launched
// processes: 1 2
// gpus: 1 2
#include <chrono>
#include <cstdio>
#include <vector>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/policies.hpp>
#ifdef ASHLAR_WITH_CUDA
#include <ashlar/comm/nccl.hpp>
using World = ashlar::comm::Nccl;  // one process a GPU
#else
#include <ashlar/comm/mpi.hpp>
using World = ashlar::comm::Mpi;
#endif

using namespace ashlar;

using Llama = models::Llama<models::LlamaShape{
    .vocabulary = 256, .layers = 6, .dim = 64, .heads = 4, .kv_heads = 2, .ffn = 128}>;

template <class Replay>
using Strategy = Trainer<shard::Zero3, precision::Bf16Mixed, offload::None, wrap::Each<Llama::Block>,
                         checkpoint::None, Replay>;

template <class Replay>
std::vector<double> train(World& world) {
  auto trainer = Strategy<Replay>::template make<Llama>(world, optim::AdamW{}, {.clip_norm = 1});
  const Tensor text = at::arange(4 * 33).remainder(97).view({4, 33});
  const Tensor ids = text.narrow(1, 0, 32), targets = text.narrow(1, 1, 32);  // (4, 32)

  std::vector<double> losses;
  for (int i = 0; i < 5; ++i) losses.push_back(trainer.step(ids, targets).loss);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) losses.push_back(trainer.step(ids, targets).loss);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (world.rank() == 0)
    std::printf("%-6s %8.0f microseconds a step, %s, last loss %.9g\n", Replay::name.data(),
                1e6 / 20 * took.count(), trainer.replayed() ? "replayed" : "launched", losses.back());
  return losses;
}

int main() {
  return comm::guarded([] {
    World world;
    return train<replay::Graph>(world) == train<replay::None>(world) ? 0 : 1;
  });
}
