// Ashlar's side of benchmarks/llama.sh, which runs it beside PyTorch's FSDP2: a Llama, sharded in full, in
// bfloat16 with float32 masters, of which it is the upper half, one block a unit and each of the vocabulary's
// two matrices, clipped at 1. Prints what it saw as one line of JSON.
//
//   run:  bash cmake/launch.sh --gpus 2 .build/cuda/benchmarks/bench_llama --size 1.5b --sequences 4
//   see:  seconds and loss of each step, and the most bytes that tensors took at once
// gpus: 1 2
// args: --size 162m --sequences 1 --tokens 128 --steps 4
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/nccl.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/report/tensor_memory.hpp>

#include "lessons.hpp"
#include "start.hpp"

using namespace ashlar;

struct Options {
  std::string size = "1.5b", start, trace;
  long sequences = 4, tokens = 4096, steps = 12;
  double rate = optim::AdamW{}.learning_rate;
  bool recompute = false, offload = false, eager = false, deterministic = false, weights = false;
};

// `steps` batches for all ranks, of which `ranks` take equal parts: the bundled text, two bytes a token.
struct Lessons {
  Tensor ids, targets;  // (steps, B, T)
};

Lessons lessons(const Options& options, long vocabulary, int ranks) {
  const data::Batches bytes = bench::lessons(options.sequences * ranks, 2 * options.tokens + 1, {0, 1});
  std::vector<Tensor> ids, targets;
  for (long step = 0; step < options.steps; ++step) {
    const auto [inputs, next] = bytes.at(step);
    const Tensor pairs = at::cat({inputs, next.narrow(1, 2 * options.tokens, 1)}, 1).unflatten(1, {-1, 2});
    const Tensor words = (pairs.select(2, 0) * 256 + pairs.select(2, 1)).remainder(vocabulary);  // (B, T + 1)
    ids.push_back(words.narrow(1, 0, options.tokens));
    targets.push_back(words.narrow(1, 1, options.tokens));
  }
  return {at::stack(ids), at::stack(targets)};
}

template <models::LlamaShape shape, class Checkpoint = checkpoint::None, class Offload = offload::None,
          class Replay = replay::Graph>
void train(comm::Nccl& world, const Options& options) {
  using Model = models::Llama<shape>;
  using Wrap = wrap::Each<typename Model::Tokens, typename Model::Block, typename Model::OwnHead>;
  using Strategy = Trainer<shard::Zero3, precision::Bf16Split, Offload, Wrap, Checkpoint, Replay>;
  auto trainer =
      Strategy::template make<Model>(world, optim::AdamW{.learning_rate = options.rate}, {.clip_norm = 1});
  const Lessons all = lessons(options, shape.vocabulary, world.size());

  const std::vector<FullParameter> parameters =
      options.weights ? trainer.full_parameters() : std::vector<FullParameter>();  // collective
  if (world.rank() == 0 && !options.start.empty() && !std::filesystem::exists(options.start)) {
    std::vector<bench::Named> tensors{{"ids", "I64", all.ids}, {"targets", "I64", all.targets}};
    for (const FullParameter& p : parameters) tensors.push_back({p.name, "F32", p.value});
    bench::write(options.start, tensors);
  }
  world.barrier();

  const auto part = [&](const Tensor& batches, long step) {
    return batches[step].narrow(0, world.rank() * options.sequences, options.sequences);
  };
  nlohmann::json seen{{"name", "Ashlar"}};
  seen["planned_gb"] = static_cast<double>(plan<Strategy, Model>(ashlar::world{world.size()},
                                                                 batch{options.sequences, options.tokens})
                                               .peak()) /
                       1e9;
  seen["host_gb"] = static_cast<double>(trainer.plan().host) / 1e9;
  report::reset_peak_tensor_bytes(trainer.device());
  long held = 0;
  for (long step = 0; step < options.steps; ++step) {
    if (step + 1 == options.steps && !options.trace.empty()) trainer.trace(options.trace);
    const Tensor ids = part(all.ids, step), targets = part(all.targets, step);
    world.barrier();
    const auto begin = std::chrono::steady_clock::now();
    const Report report = trainer.step(ids, targets);
    world.barrier();
    seen["seconds"].push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    seen["losses"].push_back(report.loss);
    if (step == 8) held = report::tensor_bytes(trainer.device());
  }
  seen["replayed"] = trainer.replayed();
  // All memory is there after the first steps, of which the third is captured.
  seen["grown"] = options.steps > 9 ? report::tensor_bytes(trainer.device()) - held : 0;
  seen["peak_gb"] = static_cast<double>(report::peak_tensor_bytes(trainer.device())) / 1e9;
  if (world.rank() != 0) return;
  std::printf("%s\n", seen.dump().c_str());
  if (!options.trace.empty()) std::fprintf(stderr, "%s\n", describe(trainer.traced()).c_str());
}

template <models::LlamaShape shape>
void train_size(comm::Nccl& world, const Options& options) {
  if (options.recompute + options.offload + options.eager > 1)
    throw Error("options.2", "one of --recompute, --offload and --eager", "several", "leave all but one out");
  if (options.recompute)
    train<shape, checkpoint::Recompute>(world, options);
  else if (options.offload)
    train<shape, checkpoint::None, offload::OptimizerToHost>(world, options);
  else if (options.eager)
    train<shape, checkpoint::None, offload::None, replay::None>(world, options);
  else
    train<shape>(world, options);
}

int main(int argc, char** argv) {
  return comm::guarded([&] {
    Options options;
    CLI::App app("Trains a Llama on the bundled text and prints how long each step took.");
    app.option_defaults()->always_capture_default();
    app.add_option("--size", options.size, "how large the model is")
        ->check(CLI::IsMember({"8b", "1.5b", "162m"}));
    app.add_option("--sequences", options.sequences, "a rank")->check(CLI::PositiveNumber);
    app.add_option("--tokens", options.tokens, "a sequence")->check(CLI::PositiveNumber);
    app.add_option("--steps", options.steps, "how many")->check(CLI::PositiveNumber);
    app.add_option("--rate", options.rate, "the learning rate")->check(CLI::PositiveNumber);
    app.add_option("--start", options.start, "written if it is not there: all batches, as safetensors");
    app.add_option("--trace", options.trace, "written: when the last step did what");
    app.add_flag("--weights", options.weights, "write the initial parameters there, too");
    app.add_flag("--recompute", options.recompute, "keep only the inputs and attention of each block");
    app.add_flag("--offload", options.offload, "rest the optimizer on the host");
    app.add_flag("--eager", options.eager, "launch each step kernel by kernel");
    app.add_flag("--deterministic", options.deterministic, "by kernels that add in the same order each time");
    comm::Nccl world;
    try {
      app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      if (world.rank() == 0) std::printf("%s", app.help().c_str());
      return;
    } catch (const CLI::ParseError& error) {
      throw Error("options.1", "the options that --help lists", error.what(), "correct the command line");
    }
    at::globalContext().setDeterministicAlgorithms(options.deterministic, /*warn_only=*/false);
    if (options.size == "8b")
      train_size<models::llama3_8b>(world, options);
    else if (options.size == "1.5b")
      train_size<{.layers = 16, .dim = 2048, .ffn = 8192}>(world, options);
    else
      train_size<{.vocabulary = 50304, .layers = 12, .dim = 768, .heads = 12, .kv_heads = 12, .ffn = 2048}>(
          world, options);
  });
}
