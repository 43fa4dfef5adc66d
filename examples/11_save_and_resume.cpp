// Save and resume: a run that was stopped and resumed is, bit for bit, the run that was not.
//
// A checkpoint holds each rank's shards, optimizer state, buffers and random state; schedule and data follow
// from the step. It is written beside the last one, synced and renamed, so a kill leaves one of the two
// whole.
//
//   run:  mpirun -np 2 .build/release/examples/11_save_and_resume
//   see:  the losses of ten steps, twice from the sixth on
// processes: 1 2
#include <boost/hana/define_struct.hpp>

#include <cstdio>
#include <filesystem>
#include <string>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/nn/mlp.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/state/training.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Mlp<16>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));

  auto loss(auto& run, const auto& x, const auto& y) const {  // (B, 16), both; with dropout, to show it, too
    return (at::dropout(run(layer, x), 0.1, /*train=*/true) - y).square().mean();
  }
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;

auto make(comm::Mpi& world) {
  return Strategy::make<Net>(world, optim::AdamW{.learning_rate = 1e-2},
                             {.seed = 1, .schedule = {.total = 10}});
}

// Steps up to `end`; returns the last loss.
double train(auto& trainer, long end) {
  double loss = 0;
  while (trainer.steps() < end) {
    const Tensor x =
        at::linspace(-1, 1, 8 * 16).view({8, 16}) + double(trainer.steps());  // a batch by its step
    loss = trainer.step(x.sin(), x.cos()).loss;
    if (trainer.communicator().rank() == 0) std::printf("step %2ld  loss %.17g\n", trainer.steps(), loss);
  }
  return loss;
}

int main() {
  return comm::guarded([] {
    comm::Mpi world;
    const std::string directory = "11_save_and_resume.np" + std::to_string(world.size());
    // [readme: resume]
    auto trainer = make(world);
    train(trainer, 5);
    state::save(directory, trainer);
    const double loss = train(trainer, 10);

    auto resumed = make(world);
    state::resume(directory, resumed);
    const double same_loss = train(resumed, 10);
    // [readme: end]

    bool same = loss == same_loss;
    const auto one = trainer.full_parameters(), other = resumed.full_parameters();
    for (size_t i = 0; i < one.size(); ++i) same &= one[i].value.equal(other[i].value);
    world.barrier();
    if (world.rank() == 0) std::filesystem::remove_all(directory);
    return same ? 0 : 1;
  });
}
