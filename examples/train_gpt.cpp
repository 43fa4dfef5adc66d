// Trains a byte-level GPT on a text, its parameters sharded over the processes, and lets it write.
//
//   run: examples/quickstart.sh, or: mpirun -np 2 .build/release/examples/train_gpt --text FILE
//
// args: --help
//
// This is the program to copy for a training of your own: the model, the strategy and the recipe stand at the
// top, and `train` is the whole story.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <CLI/CLI.hpp>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/data/batches.hpp>
#include <ashlar/data/text.hpp>
#include <ashlar/data/tokens.hpp>
#include <ashlar/models/generate.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/report/json_lines.hpp>
#include <ashlar/report/memory.hpp>
#include <ashlar/report/progress.hpp>
#include <ashlar/state/set_aside.hpp>
#include <ashlar/state/training.hpp>
#ifdef ASHLAR_WITH_CUDA
#include <ashlar/comm/nccl.hpp>
using World = ashlar::comm::Nccl;  // one process a GPU
#else
#include <ashlar/comm/mpi.hpp>
using World = ashlar::comm::Mpi;
#endif

using namespace ashlar;

// 1.3 million parameters. For ids of GPT-2's tokenizer (--tokens) the vocabulary is 50257.
constexpr models::GptShape small{.vocabulary = 256, .context = 64, .layers = 4, .heads = 4, .dim = 160};
using Gpt = models::Gpt<small>;

// The strategy. Replace Zero3 by Zero1 or Replicate, and run again: the losses stay, memory and traffic
// change.
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Gpt::Block>>;

struct Options {
  std::string text, tokens, out = "runs/gpt";
  long steps = 600, batch = 16, save_every = 200, eval_every = 100, sample = 400;
  double learning_rate = 4e-3;
  std::uint64_t seed = 1;
  bool resume = false;
};

template <data::source Source>
void train(World& world, const Source& source, const Options& options, const std::string& settings) {
  const auto [learned, held_out] = data::split(source);
  const comm::Place place{world.rank(), world.size()};
  const data::BatchShape batch{.sequences = options.batch, .tokens = small.context};
  const data::Batches lessons(learned, batch, place, options.seed),
      exam(held_out, batch, place, options.seed);

  auto trainer = Strategy::make<Gpt>(
      world, optim::AdamW{.learning_rate = options.learning_rate, .beta2 = 0.99, .weight_decay = 0.1},
      {.seed = options.seed,
       .clip_norm = 1,
       .schedule = {.warmup = 50, .total = options.steps, .floor = 0.05}});

  const bool speaks = world.rank() == 0;
  if (speaks) {
    const auto [inputs, targets] = lessons.at(0);
    std::printf("%s\n", describe(trainer.plan(inputs, targets)).c_str());
  }
  report::Progress progress(options.steps, world.rank());
  if (options.resume) {
    state::resume(options.out, trainer);
    if (trainer.steps() > options.steps)
      throw Error("options.4", "--steps of at least " + std::to_string(trainer.steps()) + ", which are done",
                  std::to_string(options.steps), "ask for more steps");
    progress.say("resumed at step " + std::to_string(trainer.steps()));
  } else if (const auto older = state::set_aside(options.out, world); !older.empty()) {
    progress.say("the run that was in " + options.out + " is now in " + older.string());
  }
  if (speaks) {
    std::error_code failed;
    std::filesystem::create_directories(options.out, failed);
    if (failed)
      throw Error("options.5", "a directory to write to, '" + options.out + "'", failed.message(),
                  "make room or permission for it, or name another by --out");
    std::ofstream(options.out + "/settings.ini") << settings;
  }
  report::JsonLines metrics(options.out + "/metrics.jsonl", world.rank(),
                            options.resume ? trainer.steps() + 1 : 0);

  const auto validation_loss = [&, batches = 20] {
    double sum = 0;
    for (long i = 0; i < batches; ++i) {
      const auto [inputs, targets] = exam.at(i);  // (R, T), both: this rank's part
      sum += trainer.evaluate(inputs, targets);
    }
    return sum / batches;
  };

  double seconds = 0, tokens = 0;
  while (trainer.steps() < options.steps) {
    const auto start = std::chrono::steady_clock::now();
    const auto [inputs, targets] = lessons.at(trainer.steps());  // (R, T), both: this rank's part
    const auto [step, loss, gradient_norm, learning_rate] = trainer.step(inputs, targets);
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    tokens += static_cast<double>(lessons.tokens_a_step());

    const bool last = step == options.steps;
    report::Metrics now{.step = step,
                        .loss = loss,
                        .gradient_norm = gradient_norm,
                        .learning_rate = learning_rate,
                        .tokens_per_second = tokens / seconds,
                        .bytes_in_use = report::resident_bytes()};
    if (last || step % options.eval_every == 0) now.validation_loss = validation_loss();
    progress.step(now);
    metrics.write(now);
    if (now.validation_loss)
      progress.say("validation loss " + std::to_string(*now.validation_loss) + " nats a token");
    if (last || step % options.save_every == 0) {
      state::save(options.out, trainer);
      progress.say("saved " + options.out + "/" + state::step_name(step));
    }
  }

  // Every rank takes part, because each has only its shard; all draw the same tokens.
  const auto logits = [&](const auto& ids) { return trainer.predict(ids); };
  const models::Sampling sampling{.tokens = options.sample, .context = small.context, .seed = options.seed};
  if (options.tokens.empty())
    progress.say(models::printable(models::generate(logits, "\n", sampling)) + "\n");
  progress.say(
      "next: put shard::Zero1 in place of shard::Zero3 in examples/train_gpt.cpp and run this again, or "
      "train "
      "on with --resume --steps " +
      std::to_string(2 * options.steps));
}

int main(int argc, char** argv) {
  return comm::guarded([&] {
    World world;
    Options options;
    options.batch =
        (options.batch + world.size() - 1) / world.size() * world.size();  // for any number of ranks
    CLI::App app("Trains a byte-level GPT, sharded over the processes it is started with.");
    app.option_defaults()->always_capture_default();
    constexpr long most = 1'000'000'000;
    const CLI::Range count(1L, most);
    app.add_option("--text", options.text,
                   "text file to learn; its bytes are the tokens, the last tenth is for validation");
    app.add_option("--tokens", options.tokens, "token file (nanoGPT's or llm.c's .bin) to learn instead");
    app.add_option("--out", options.out, "folder of checkpoints and metrics.jsonl")
        ->configurable(false)
        ->check([](const std::string& out) { return out.empty() ? "must name a folder" : ""; });
    app.add_option("--steps", options.steps, "optimizer steps in all")->check(count);
    app.add_option("--batch", options.batch, "sequences a step, of all processes together");
    app.add_option("--learning-rate", options.learning_rate, "the highest, after the warm-up");
    app.add_option("--seed", options.seed, "of parameters, batches and sample");
    app.add_option("--save-every", options.save_every, "steps between checkpoints")->check(count);
    app.add_option("--eval-every", options.eval_every, "steps between validations")->check(count);
    app.add_option("--sample", options.sample, "tokens to write at the end")->check(CLI::Range(0L, most));
    app.add_flag("--resume", options.resume, "go on from the latest checkpoint, with its settings")
        ->configurable(false);
    try {
      app.parse(argc, argv);
      if (options.resume) {  // what the command line does not say, the run's settings do
        if (!std::filesystem::exists(options.out + "/settings.ini"))
          throw Error("options.3", "the settings of a run in '" + options.out + "/settings.ini'", "none",
                      "name the folder of the run by --out, or leave --resume out to start one");
        app.set_config("--settings", options.out + "/settings.ini", "", true);
        app.parse(argc, argv);
      }
    } catch (const CLI::CallForHelp&) {
      if (world.rank() == 0) std::printf("%s", app.help().c_str());
      return;
    } catch (const CLI::ParseError& error) {
      throw Error("options.1", "the options that --help lists", error.what(), "correct the command line");
    }
    if (options.text.empty() == options.tokens.empty())
      throw Error("options.2", "one of --text FILE and --tokens FILE", options.text.empty() ? "none" : "both",
                  "name one");
    const std::string settings = app.config_to_str(true);
    if (options.tokens.empty())
      train(world, data::Text(options.text), options, settings);
    else
      train(world, data::Tokens(options.tokens, small.vocabulary), options, settings);
  });
}
