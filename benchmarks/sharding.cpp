// What sharding costs: each Shard policy against Replicate, the same GPT of 10 million parameters in float32,
// one block a unit, on the processes it is started with. Losses must be equal, bit for bit on one or two
// processes.
//
//   run:  mpirun -np 2 .build/release/benchmarks/bench_sharding [ROUNDS [SIZES]]
//   see:  milliseconds a step, the ratio to Replicate (median of neighbouring steps, and its quartiles), and
//   what the plan
//         says that a rank keeps
// processes: 2
// args: 1 1
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/policies.hpp>

#include "lessons.hpp"
#include "turns.hpp"

using namespace ashlar;

using Model = models::Gpt<bench::ten_million>;
template <class Shard>
using Strategy = Trainer<Shard, precision::Fp32, offload::None, wrap::Each<Model::Block>>;

// One trainer, and the losses that it has seen.
template <class Shard>
struct Contestant {
  explicit Contestant(comm::Mpi& world)
      : trainer(Strategy<Shard>::template make<Model>(world, optim::AdamW{})) {}

  void step(const auto& batches) {
    const auto [ids, targets] = batches.at(static_cast<long>(losses.size()));
    losses.push_back(trainer.step(ids, targets).loss);
  }

  decltype(Strategy<Shard>::template make<Model>(std::declval<comm::Mpi&>(), optim::AdamW{})) trainer;
  std::vector<double> losses;
};

template <class... Shards>
void compare(comm::Mpi& world, long sequences, int rounds) {
  const data::Batches batches =
      bench::lessons(sequences, bench::ten_million.context, {world.rank(), world.size()});
  std::tuple all{std::make_unique<Contestant<Shards>>(world)...};
  const auto seconds = std::apply(
      [&](auto&... each) {
        return bench::in_turns(rounds, [&] {
          world.barrier();
          each->step(batches);
        }...);
      },
      all);

  std::size_t row = 0;
  const auto& reference = std::get<0>(all)->losses;
  const auto print = [&](auto& contestant) {
    const double worst =
        world.size() <= 2 ? 0 : 1e-5;  // two addends commute; more are added in another order
    for (std::size_t i = 0; i < reference.size(); ++i)
      if (std::abs(contestant.losses[i] - reference[i]) > worst * reference[i])
        throw Error("bench.1", "the losses of Replicate", "others", "find the step with tests/parity");
    const Plan plan = contestant.trainer.plan();
    const auto [median, low, high] = bench::ratio(seconds[row], seconds[0]);
    if (world.rank() == 0)
      std::printf("%-12s %6ld %9.1f %8.3f   %.3f to %.3f %8.1f\n", plan.shard.data(),
                  sequences * bench::ten_million.context, 1e3 * bench::spread(seconds[row]).median, median,
                  low, high, static_cast<double>(plan.kept()) / 1e6);
    ++row;
  };
  std::apply([&](auto&... each) { (print(*each), ...); }, all);
}

int main(int argc, char** argv) {
  return comm::guarded([&] {
    comm::Mpi world;
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 20;
    if (rounds < 1) throw Error("bench.2", "a number of rounds from 1 on", argv[1], "bench_sharding 20");
    const int sizes = argc > 2 ? std::atoi(argv[2]) : 3;  // how many of the batches below, small ones first
    if (world.rank() == 0)
      std::printf("policy       tokens   ms/step    ratio   quartiles       kept MB   (a rank, of %d)\n",
                  world.size());
    int size = 0;
    for (const long sequences : {1, 2, 8})
      if (size++ < sizes)
        compare<shard::Replicate, shard::Zero1, shard::Zero2, shard::ShardGradOp, shard::Zero3>(
            world, sequences, rounds);
  });
}
