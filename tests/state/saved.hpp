// What the tests of saving and loading save and load.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <ashlar/state/load.hpp>
#include <ashlar/state/save.hpp>

#include "data/temporary.hpp"
#include "state/threads.hpp"

namespace ashlar::test {

// Rank r's tensors: `numel` float32 and a step counter, all derived from `value`.
inline state::Snapshot snapshot(int rank, double value, std::int64_t numel = 1000) {
  return {.tensors = {{"block.0.weight", at::full({numel / 10, 10}, value + rank, at::kFloat)},
                      {"optimizer.step", at::full({}, value, at::kLong)}},
          .meta = "{\"value\": " + std::to_string(static_cast<int>(value)) + "}",
          .strategy = "Zero3, Fp32",
          .model = "Gpt<2>"};
}

inline std::string try_save(const std::filesystem::path& dir, std::int64_t step, const state::Snapshot& from,
                            Threads& comm, int keep = 2) {
  return sentence([&] { state::save(dir, step, from, comm, keep); });
}

// Saves `value` at `step` on `ranks` ranks; what each rank says.
inline std::vector<std::string> save(const std::filesystem::path& dir, std::int64_t step, double value,
                                     int ranks = 2, int keep = 2) {
  return run_world(
      ranks, [&](Threads& comm) { return try_save(dir, step, snapshot(comm.rank(), value), comm, keep); });
}

// Loads into zeros; per rank what it says, or "no error" if every element is the saved one.
inline std::vector<std::string> load(const std::filesystem::path& dir, double value, int ranks = 2,
                                     std::optional<std::int64_t> step = {}, std::int64_t numel = 1000) {
  return run_world(ranks, [&](Threads& comm) {
    const auto expected = snapshot(comm.rank(), value, numel);
    auto into = snapshot(comm.rank(), -1, numel);
    into.meta.clear();
    const auto said = sentence([&] { state::load(dir, into, comm, step); });
    if (said != "no error") return said;
    for (std::size_t i = 0; i < into.tensors.size(); ++i)
      if (!at::equal(into.tensors[i].tensor, expected.tensors[i].tensor))
        return into.tensors[i].name + " differs";
    return into.meta == expected.meta ? said : "meta differs";
  });
}

inline const std::vector<std::string> both_fine{"no error", "no error"};

inline std::set<std::string> names_in(const std::filesystem::path& dir) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(dir))
    names.insert(entry.path().filename().string());
  return names;
}

}  // namespace ashlar::test
