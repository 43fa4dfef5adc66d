// Offload: master weights and optimizer state rest on the host, whose cores update them. Another word of the
// strategy, and the same losses.
//
//   run:  mpirun -np 2 .build/release/examples/13_offload
//         on GPUs: bash cmake/launch.sh --gpus 2 .build/cuda/examples/13_offload
//   see:  what a rank keeps on its device and on its host, and the last loss, with and without
// processes: 1 2
// gpus: 1 2
#include <cmath>
#include <cstdio>

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
    .vocabulary = 256, .layers = 4, .dim = 64, .heads = 4, .kv_heads = 2, .ffn = 128}>;

template <class Offload>
using Strategy = Trainer<shard::Zero3, precision::Bf16Mixed, Offload, wrap::Each<Llama::Block>>;

// Of 141 GB on the device, a world of two needs for Llama 3's 8B what it keeps; the rest is for activations.
using Large = models::Llama<models::llama3_8b>;
template <class Offload>
constexpr long kept =
    plan<Trainer<shard::Zero3, precision::Bf16Mixed, Offload, wrap::Each<Large::Block>>, Large>(world{2})
        .kept();
static_assert(kept<offload::None> > 70'000'000'000 && kept<offload::OptimizerToHost> < 35'000'000'000);

template <class Offload>
double train(World& world) {
  auto trainer = Strategy<Offload>::template make<Llama>(world, optim::AdamW{.learning_rate = 3e-3});
  const Tensor text = at::arange(4 * 33).remainder(97).view({4, 33});
  const Tensor ids = text.narrow(1, 0, 32), targets = text.narrow(1, 1, 32);  // (4, 32)
  double loss = 0;
  for (int i = 0; i < 30; ++i) loss = trainer.step(ids, targets).loss;
  const Plan plan = trainer.plan();
  if (world.rank() == 0)
    std::printf("%-16s %9ld bytes on the device, %9ld on its host, last loss %.6f\n", Offload::name.data(),
                plan.kept(), plan.host, loss);
  return loss;
}

int main() {
  return comm::guarded([] {
    World world;
    const double here = train<offload::None>(world), there = train<offload::OptimizerToHost>(world);
    return std::abs(there - here) < 0.01 * here ? 0 : 1;
  });
}
