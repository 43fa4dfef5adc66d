// A list of strategies, each run for a few steps on one model: time, memory and traffic, predicted beside
// measured. Edit the model and the list below; the compiler checks and plans each combination.
//
//   run:  mpirun -np 2 .build/release/benchmarks/bench_policies --csv policies.csv --svg policies.svg
//         on GPUs: bash cmake/launch.sh --gpus 2 .build/cuda/benchmarks/bench_policies
//   see:  a line for each strategy; with --csv, --json and --svg also files
// processes: 2
// gpus: 1 2
// args: --rounds 1 --steps 1 --tokens 64 --only "Zero3, Bf16Mixed"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/hana.hpp>
#include <nlohmann/json.hpp>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/recorded.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/report/tensor_memory.hpp>
#ifdef ASHLAR_WITH_CUDA
#include <ashlar/comm/nccl.hpp>
using World = ashlar::comm::Nccl;  // one process a GPU
#else
#include <ashlar/comm/mpi.hpp>
using World = ashlar::comm::Mpi;
#endif

#include "lessons.hpp"
#include "turns.hpp"

using namespace ashlar;
namespace hana = boost::hana;

using Model = models::Gpt<bench::ten_million>;
using Blocks = wrap::Each<Model::Block>;

constexpr auto strategies =
    hana::tuple_t<Trainer<shard::Replicate, precision::Fp32, offload::None, wrap::WholeModel>,
                  Trainer<shard::Replicate, precision::Fp32, offload::None, Blocks>,
                  Trainer<shard::Zero1, precision::Fp32, offload::None, Blocks>,
                  Trainer<shard::Zero2, precision::Fp32, offload::None, Blocks>,
                  Trainer<shard::ShardGradOp, precision::Fp32, offload::None, Blocks>,
                  Trainer<shard::Zero3, precision::Fp32, offload::None, Blocks>,
                  Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::BySize<2'000'000>>,
                  Trainer<shard::Zero3, precision::Fp32, offload::None, Blocks, checkpoint::Recompute>,
                  Trainer<shard::Zero3, precision::Bf16Mixed, offload::None, Blocks>,
                  Trainer<shard::Zero3, precision::Bf16Split, offload::None, Blocks>,
                  Trainer<shard::Zero3, precision::Bf16Mixed, offload::None, Blocks, checkpoint::Recompute>>;

struct Options {
  int rounds = 3, steps = 5;
  long sequences = 4, tokens = bench::ten_million.context;
  std::string only, csv, json, svg;
};

// What one strategy was planned to do and did, on one rank.
struct Row {
  std::string name;
  std::vector<double> seconds;  // of each step, in all rounds
  long planned_peak = 0, peak = 0, planned_sent = 0, sent = 0;
};

void synchronize(World& world) {
#ifdef ASHLAR_WITH_CUDA
  at::detail::getCUDAHooks().deviceSynchronize(device_of(world).index());
#endif
  world.barrier();
}

template <class Strategy>
void run(World& world, const Options& options, Row& row) {
  comm::Recorded<World&> recorded(world);
  const c10::Device device = device_of(world);
  const data::Batches batches =
      bench::lessons(options.sequences, options.tokens, {world.rank(), world.size()});

  const long before = report::tensor_bytes(device);
  auto trainer = Strategy::template make<Model>(recorded, optim::AdamW{});
  const auto step = [&](long i) {
    const auto [ids, targets] = batches.at(i);
    trainer.step(ids, targets);
  };
  for (long i = 0; i < 2; ++i) step(i);
  report::reset_peak_tensor_bytes(device);
  recorded.clear();
  for (long i = 0; i < options.steps; ++i) {
    synchronize(world);
    const auto start = std::chrono::steady_clock::now();
    step(2 + i);
    synchronize(world);
    row.seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }

  const auto [ids, targets] = batches.at(0);
  const Plan planned = trainer.plan(ids, targets);
  row.planned_peak = planned.peak();
  row.peak = report::peak_tensor_bytes(device) - before;
  row.planned_sent = row.sent = 0;
  for (const Transfer& transfer : planned.step) row.planned_sent += transfer.bytes;
  for (const comm::Call& call : recorded.calls()) row.sent += call.bytes;
  row.sent /= options.steps;
}

nlohmann::ordered_json to_json(const Row& row, const Options& options, int world) {
  const bench::Spread seconds = bench::spread(row.seconds);
  return {
      {"strategy", row.name},
      {"world", world},
      {"ms_per_step", 1e3 * seconds.median},
      {"ms_low", 1e3 * seconds.low},
      {"ms_high", 1e3 * seconds.high},
      {"tokens_per_second", static_cast<double>(options.sequences * options.tokens * world) / seconds.median},
      {"peak_bytes", row.peak},
      {"planned_peak_bytes", row.planned_peak},
      {"sent_bytes", row.sent},
      {"planned_sent_bytes", row.planned_sent}};
}

void write_csv(std::ostream& out, const nlohmann::ordered_json& rows) {
  const char* separator = "";
  for (const auto& column : rows[0].items()) out << std::exchange(separator, ",") << column.key();
  for (const auto& row : rows) {
    separator = "\n";
    for (const auto& value : row)
      out << std::exchange(separator, ",") << value;  // text in quotes, as in JSON
  }
  out << '\n';
}

// Two bars a strategy: time a step, with its quartiles, and peak memory, with a line where the plan has it.
void write_svg(std::ostream& out, const nlohmann::ordered_json& rows) {
  const auto highest = [&](std::initializer_list<const char*> keys) {
    double most = 0;
    for (const auto& row : rows)
      for (const char* key : keys) most = std::max(most, row[key].get<double>());
    return most;
  };
  constexpr int line = 34, left = 430, width = 300, gap = 130;
  const int height = 60 + line * static_cast<int>(rows.size());
  const double per_ms = width / highest({"ms_high"}),
               per_byte = width / highest({"peak_bytes", "planned_peak_bytes"});
  const auto text = [&](double x, double y, const std::string& words) {
    std::string escaped;
    for (const char c : words) escaped += c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
    out << "<text x='" << x << "' y='" << y << "'>" << escaped << "</text>\n";
  };
  const auto bar = [&](double x, double y, double length, const char* color) {
    out << "<rect x='" << x << "' y='" << y << "' width='" << length << "' height='16' fill='" << color
        << "'/>\n";
  };
  const auto tick = [&](double x, double y) {
    out << "<path d='M" << x << ' ' << y - 3 << "v22' stroke='black' stroke-width='2'/>\n";
  };
  const auto number = [](double value, const char* format) {
    char digits[32];
    std::snprintf(digits, sizeof digits, format, value);
    return std::string(digits);
  };
  const int memory = left + width + gap;
  out << "<svg xmlns='http://www.w3.org/2000/svg' width='" << memory + width + gap << "' height='" << height
      << "' font-family='sans-serif' font-size='13'>\n<rect width='100%' height='100%' fill='white'/>\n";
  text(left, 26, "ms a step, from quartile to quartile");
  text(memory, 26, "peak MB a rank; the line is the plan");
  int y = 44;
  for (const auto& row : rows) {
    const double ms = row["ms_per_step"], bytes = row["peak_bytes"], planned = row["planned_peak_bytes"];
    text(8, y + 13, row["strategy"]);
    bar(left, y, per_ms * ms, "#4878a8");
    tick(left + per_ms * row["ms_low"].get<double>(), y);
    tick(left + per_ms * row["ms_high"].get<double>(), y);
    text(left + per_ms * row["ms_high"].get<double>() + 8, y + 13, number(ms, "%.1f"));
    bar(memory, y, per_byte * bytes, "#a86848");
    tick(memory + per_byte * planned, y);
    text(memory + per_byte * std::max(bytes, planned) + 8, y + 13, number(bytes / 1e6, "%.1f"));
    y += line;
  }
  out << "</svg>\n";
}

void write(const std::string& path, auto&& body) {
  if (path.empty()) return;
  std::ofstream out(path);
  body(out);
  out.flush();
  if (!out)
    throw Error("bench.3", "a file that can be written", "'" + path + "', which cannot", "name another file");
}

void run_all(World& world, const Options& options) {
  std::vector<Row> rows(hana::size(strategies));
  for (int round = 0; round < options.rounds; ++round) {
    std::size_t i = 0;
    hana::for_each(strategies, [&](auto strategy) {
      using Strategy = typename decltype(strategy)::type;
      rows[i].name = strategy_name(plan<Strategy, Model>(ashlar::world{world.size()}));
      if (rows[i].name.find(options.only) != std::string::npos) run<Strategy>(world, options, rows[i]);
      ++i;
    });
  }
  std::erase_if(rows, [](const Row& row) { return row.seconds.empty(); });
  if (rows.empty())
    throw Error("bench.4", "a part of a strategy's name", "'" + options.only + "'",
                "leave --only out to see the names");
  if (world.rank() != 0) return;
  auto table = nlohmann::ordered_json::array();
  std::printf("%-58s %9s %10s   %s   %s\n", "strategy", "ms/step", "tokens/s", "peak MB, planned",
              "sent MB, planned");
  for (const Row& row : rows) {
    const auto& values = table.emplace_back(to_json(row, options, world.size()));
    std::printf("%-58s %9.1f %10.0f   %8.1f %7.1f   %8.1f %7.1f\n", row.name.c_str(),
                values["ms_per_step"].get<double>(), values["tokens_per_second"].get<double>(),
                static_cast<double>(row.peak) / 1e6, static_cast<double>(row.planned_peak) / 1e6,
                static_cast<double>(row.sent) / 1e6, static_cast<double>(row.planned_sent) / 1e6);
  }
  write(options.csv, [&](std::ostream& out) { write_csv(out, table); });
  write(options.json, [&](std::ostream& out) { out << table.dump(1) << '\n'; });
  write(options.svg, [&](std::ostream& out) { write_svg(out, table); });
}

int main(int argc, char** argv) {
  return comm::guarded([&] {
    World world;
    Options options;
    CLI::App app(
        "Runs a list of strategies on one model: time, memory and traffic, predicted beside measured.");
    app.option_defaults()->always_capture_default();
    app.add_option("--rounds", options.rounds, "times that each is made anew")->check(CLI::PositiveNumber);
    app.add_option("--steps", options.steps, "timed steps a round, after two that are not")
        ->check(CLI::PositiveNumber);
    app.add_option("--sequences", options.sequences, "a rank, in each step")->check(CLI::PositiveNumber);
    app.add_option("--tokens", options.tokens, "a sequence")
        ->check(CLI::Range(1L, bench::ten_million.context));
    app.add_option("--only", options.only,
                   "strategies with this in their name, such as \"Zero3, Bf16Mixed\"");
    app.add_option("--csv", options.csv, "file to write");
    app.add_option("--json", options.json, "file to write");
    app.add_option("--svg", options.svg, "file to write");
    try {
      app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      if (world.rank() == 0) std::printf("%s", app.help().c_str());
      return;
    } catch (const CLI::ParseError& error) {
      throw Error("options.1", "the options that --help lists", error.what(), "correct the command line");
    }
    run_all(world, options);
  });
}
