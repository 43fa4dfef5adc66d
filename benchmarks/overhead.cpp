// What the framework costs where it has nothing to do: Trainer<Replicate, Fp32, None, WholeModel> in a world
// of one, against the same training written by hand with LibTorch. Same weights, same batches; losses must be
// equal bit for bit.
//
//   run:  .build/release/benchmarks/bench_overhead [ROUNDS [MODELS]]
//   see:  seconds a step of each, and their ratio: the median of neighbouring steps, and its quartiles
// args: 1 1
#include "plain_gpt.hpp"

#include <cstdio>
#include <cstdlib>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/policies.hpp>

#include "lessons.hpp"
#include "turns.hpp"

using namespace ashlar;

using Strategy = Trainer<shard::Replicate, precision::Fp32, offload::None, wrap::WholeModel>;

constexpr models::GptShape small{.vocabulary = 256, .context = 64, .layers = 4, .heads = 4, .dim = 160};

template <models::GptShape shape>
void compare(long sequences, int rounds) {
  const optim::AdamW adamw;
  comm::Solo world;
  auto trainer = Strategy::make<models::Gpt<shape>>(world, adamw);

  plain::Gpt model(shape.vocabulary, shape.context, shape.layers, shape.heads, shape.dim);
  long numel = 0;
  {
    const at::NoGradGuard guard;
    auto own = model->named_parameters();
    for (const FullParameter& p : trainer.full_parameters()) {
      own[p.name].copy_(p.value);
      numel += p.value.numel();
    }
  }
  plain::Loop loop(model, adamw.learning_rate, adamw.weight_decay);

  const data::Batches batches = bench::lessons(sequences, shape.context, {0, 1});
  std::vector<double> plain_losses, losses;
  const auto lesson = [&](const auto& so_far) { return batches.at(static_cast<long>(so_far.size())); };
  const auto [plain_seconds, seconds] = bench::in_turns(
      rounds,
      [&] {
        const auto [ids, targets] = lesson(plain_losses);
        plain_losses.push_back(loop.step(ids, targets).first);
      },
      [&] {
        const auto [ids, targets] = lesson(losses);
        losses.push_back(trainer.step(ids, targets).loss);
      });
  if (losses != plain_losses)
    throw Error("bench.1", "the losses of the plain loop", "others", "compare the two programs step by step");

  const auto [median, low, high] = bench::ratio(seconds, plain_seconds);
  std::printf("%10ld %6ld %10.1f %10.1f %9.3f   %.3f to %.3f\n", numel, sequences * shape.context,
              1e3 * bench::spread(plain_seconds).median, 1e3 * bench::spread(seconds).median, median, low,
              high);
}

int main(int argc, char** argv) {
  return comm::guarded([&] {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 40;
    if (rounds < 1) throw Error("bench.2", "a number of rounds from 1 on", argv[1], "bench_overhead 40");
    std::printf(
        "parameters tokens   plain ms  Ashlar ms     ratio   quartiles   (losses equal bit for bit)\n");
    compare<small>(2, rounds * 4);
    compare<small>(16, rounds * 2);
    if (argc > 2 && std::atoi(argv[2]) < 2) return;  // the small model only
    compare<bench::ten_million>(1, rounds);
    compare<bench::ten_million>(4, rounds);
  });
}
