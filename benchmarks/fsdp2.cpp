// Ashlar's side of benchmarks/run.sh, which runs it beside PyTorch's FSDP2 on the same weights and batches.
//
//   bench_fsdp2 START STEPS SEQUENCES    trains a GPT of 10 million parameters with Zero3, one block a unit,
//   on
//                                        SEQUENCES a rank, and prints what it saw as one line of JSON. When
//                                        START is not there, first writes the initial parameters and all
//                                        batches into it, as safetensors
// processes: 2
// args: start.safetensors 1 1
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <nlohmann/json.hpp>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/report/memory.hpp>

#include "lessons.hpp"
#include "start.hpp"

using namespace ashlar;

using Model = models::Gpt<bench::ten_million>;
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Model::Block>>;

void train(comm::Mpi& world, const std::filesystem::path& start, long steps, long sequences) {
  auto trainer = Strategy::make<Model>(world, optim::AdamW{});
  const data::Batches batches =
      bench::lessons(sequences, bench::ten_million.context, {world.rank(), world.size()});

  const std::vector<FullParameter> parameters = trainer.full_parameters();  // collective
  if (world.rank() == 0 && !std::filesystem::exists(start)) {
    const data::Batches global = bench::lessons(sequences * world.size(), bench::ten_million.context, {0, 1});
    std::vector<bench::Named> all;
    for (const FullParameter& p : parameters) all.push_back({p.name, "F32", p.value});
    std::vector<Tensor> ids, targets;
    for (long step = 0; step < steps; ++step) {
      ids.push_back(global.at(step).inputs);
      targets.push_back(global.at(step).targets);
    }
    all.push_back({"ids", "I64", at::stack(ids)});          // (steps, B, T)
    all.push_back({"targets", "I64", at::stack(targets)});  // (steps, B, T)
    bench::write(start, all);
  }

  nlohmann::json seen{{"name", "Ashlar"}};
  for (long step = 0; step < steps; ++step) {
    const auto [ids, targets] = batches.at(step);
    world.barrier();
    const auto begin = std::chrono::steady_clock::now();
    const Report report = trainer.step(ids, targets);
    world.barrier();
    seen["seconds"].push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    seen["losses"].push_back(report.loss);
  }
  seen["peak_mb"] = static_cast<double>(report::peak_resident_bytes()) / 1e6;
  if (world.rank() == 0) std::printf("%s\n", seen.dump().c_str());
}

int main(int argc, char** argv) {
  return comm::guarded([&] {
    comm::Mpi world;
    const long steps = argc == 4 ? std::atol(argv[2]) : 0, sequences = argc == 4 ? std::atol(argv[3]) : 0;
    if (steps < 1 || sequences < 1)
      throw Error("bench.2", "START STEPS SEQUENCES, two numbers from 1 on",
                  std::to_string(argc - 1) + " arguments", "start benchmarks/run.sh");
    train(world, argv[1], steps, sequences);
  });
}
