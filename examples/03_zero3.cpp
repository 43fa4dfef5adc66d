// ZeRO-3: parameters, gradients and optimizer state live as 1/N shards, and each block is whole only while it
// runs.
//
// The plan is printed before the first step, and what a rank then holds is compared with it, byte for byte.
//
//   run:  mpirun -np 2 .build/release/examples/03_zero3
//   see:  the plan; a GPT learn to count modulo 16; the bytes that each rank holds
// processes: 1 2
#include <cstdio>
#include <string>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

// Between steps: shards of parameters, which are the master weights in float32, and of AdamW's two moments.
void compare_with_plan(auto& trainer) {
  long held = 0;
  trainer.for_each_saved([&](const std::string& name, const Tensor& tensor) {
    if (!name.starts_with("random/")) held += static_cast<long>(tensor.nbytes());
  });
  const Plan plan = trainer.plan();
  if (held != plan.parameters + plan.optimizer)
    throw Error("example.1", std::to_string(plan.parameters + plan.optimizer) + " bytes held",
                std::to_string(held), "report it");
  std::printf("rank %d holds %ld bytes, as planned\n", trainer.communicator().rank(), held);
}

// [readme: trainer]
using Gpt =
    models::Gpt<models::GptShape{.vocabulary = 16, .context = 32, .layers = 4, .heads = 2, .dim = 64}>;
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Gpt::Block>>;

double train(comm::Mpi& world, const Tensor& inputs, const Tensor& targets) {
  auto trainer = Strategy::make<Gpt>(world, optim::AdamW{.learning_rate = 3e-3}, {.clip_norm = 1});
  if (world.rank() == 0) std::printf("%s", describe(trainer.plan()).c_str());
  for (int i = 0; i < 30; ++i) trainer.step(inputs, targets);
  compare_with_plan(trainer);
  return trainer.evaluate(inputs, targets);
}
// [readme: end]

int main() {
  return comm::guarded([] {
    comm::Mpi world;
    const Tensor rows = at::arange(16 / world.size(), at::kLong) + 16 / world.size() * world.rank();
    const Tensor counting = rows.unsqueeze(1) + at::arange(33, at::kLong);  // (rows, 33)
    const double loss =
        train(world, counting.narrow(1, 0, 32).remainder(16), counting.narrow(1, 1, 32).remainder(16));
    if (world.rank() == 0) std::printf("loss %.4f, where guessing costs 2.77\n", loss);
    return loss < 0.5 ? 0 : 1;
  });
}
