// One word: DDP, ZeRO-1, ZeRO-2, SHARD_GRAD_OP and ZeRO-3 differ in one template argument, and in nothing
// that the model learns.
//
// With two processes a sum of gradients has two addends, which commute: the losses are equal bit for bit.
//
//   run:  mpirun -np 2 .build/release/examples/02_one_word
//   see:  five times the same losses, and what each rank keeps for them
// processes: 1 2
#include <array>
#include <boost/hana/define_struct.hpp>

#include <cstdio>
#include <vector>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/nn/mlp.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

using Layer = nn::Mlp<32>;
struct Net {
  using Layers = std::array<Layer, 3>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layers, layers));

  auto loss(auto& run, const auto& input, const auto& target) const {  // (B, 32), both
    auto x = input;
    for (const Layer& layer : layers) x = x + run(layer, x);
    return (x - target).square().mean();
  }
};

template <class Shard>
std::vector<double> train(comm::Mpi& world) {
  using Strategy = Trainer<Shard, precision::Fp32, offload::None, wrap::Each<Layer>>;
  auto trainer = Strategy::template make<Net>(world, optim::AdamW{.learning_rate = 1e-2}, {.seed = 1});

  // Each rank takes its rows of one global batch of 64.
  const Tensor all = at::linspace(-2, 2, 64 * 32).view({64, 32});
  const Tensor x = all.narrow(0, world.rank() * 64 / world.size(), 64 / world.size());
  std::vector<double> losses;
  for (int i = 0; i < 20; ++i) losses.push_back(trainer.step(x, x.sin()).loss);

  const Plan plan = trainer.plan();
  if (world.rank() == 0)
    std::printf("%-12s first loss %.17g, last loss %.17g, %6ld bytes between steps\n", plan.shard.data(),
                losses.front(), losses.back(), plan.parameters + plan.gradients + plan.optimizer);
  return losses;
}

int main() {
  return comm::guarded([] {
    comm::Mpi world;
    const auto losses = train<shard::Replicate>(world);
    const bool same = train<shard::Zero1>(world) == losses && train<shard::Zero2>(world) == losses &&
                      train<shard::ShardGradOp>(world) == losses && train<shard::Zero3>(world) == losses;
    return same && losses.back() < losses.front() ? 0 : 1;
  });
}
