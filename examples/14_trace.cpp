// Trace: what each rank computes and sends in one step, and when, for a timeline viewer; and how much of the
// communication is hidden behind arithmetic.
//
//   run:  mpirun -np 2 .build/release/examples/14_trace [FILE]     step.json, unless said otherwise
//         on GPUs: bash cmake/launch.sh --gpus 2 .build/cuda/examples/14_trace
//   see:  open the file at ui.perfetto.dev. Over MPI nothing is hidden: its collectives block
// processes: 1 2
// gpus: 1 2
#include <cstdio>
#include <filesystem>

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
    .vocabulary = 256, .layers = 6, .dim = 128, .heads = 4, .kv_heads = 2, .ffn = 256}>;
using Strategy = Trainer<shard::Zero3, precision::Bf16Mixed, offload::None, wrap::Each<Llama::Block>>;

int main(int argc, char** argv) {
  return comm::guarded([&] {
    World world;
    auto trainer = Strategy::make<Llama>(world, optim::AdamW{}, {.clip_norm = 1});
    const Tensor text = at::arange(4 * 129).remainder(97).view({4, 129});
    const Tensor ids = text.narrow(1, 0, 128), targets = text.narrow(1, 1, 128);  // (4, 128)

    // [readme: trace]
    for (int step = 0; step < 10; ++step) {
      if (step == 5) trainer.trace(argc > 1 ? argv[1] : "step.json");
      trainer.step(ids, targets);
    }
    if (world.rank() == 0) std::printf("%s\n", describe(trainer.traced()).c_str());
    // [readme: end]
    return trainer.traced().compute > 0 ? 0 : 1;
  });
}
