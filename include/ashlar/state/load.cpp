#include <ashlar/state/load.hpp>

#include <string>
#include <utility>

#include <ashlar/error.hpp>
#include <ashlar/state/detail/rank_file.hpp>

namespace ashlar::state::detail {
namespace {

void expect_same(const char* part, const std::string& here, const std::string& there,
                 const std::string& file) {
  if (here != there)
    throw Error("state.6", std::string("the ") + part + " '" + here + "' in '" + file + "'",
                "'" + there + "'",
                std::string("run the ") + part + " that saved it, or start anew in another directory");
}

}  // namespace

Loading::Loading(std::filesystem::path directory, std::int64_t step, Snapshot& into, int rank, int world)
    : directory_(std::move(directory)), step_(step), into_(into), rank_(rank), world_(world) {}

Loading::~Loading() = default;

void Loading::check() {
  manifest_ = read_manifest(directory_, step_);
  const auto home = directory_ / step_name(step_);
  if (manifest_.world != world_)
    throw Error("state.5",
                "a checkpoint of " + std::to_string(world_) + " processes in '" + home.string() + "'",
                "one of " + std::to_string(manifest_.world),
                "start " + std::to_string(manifest_.world) + " processes, as it cannot be resharded");
  expect_same("strategy", into_.strategy, manifest_.strategy, home.string());
  expect_same("model", into_.model, manifest_.model, home.string());
  file_ = std::make_unique<RankFile>(home / rank_file_name(rank_, world_),
                                     manifest_.files[static_cast<std::size_t>(rank_)], into_.tensors);
  file_->check();
}

void Loading::copy() {
  file_->copy_to(into_.tensors);
  into_.meta = manifest_.meta;
}

std::int64_t latest_or_throw(const std::filesystem::path& directory) {
  const auto last = latest(directory);
  if (!last)
    throw Error("state.3", "a checkpoint in '" + directory.string() + "'", "none",
                "check the path, or start a new run");
  const auto manifest = readable_manifest(directory, *last);
  for (const std::int64_t step : steps(directory)) {
    const auto other = manifest && step != *last ? readable_manifest(directory, step) : std::nullopt;
    if (!other) continue;
    const auto found = other->beside.find(std::to_string(*last));
    if (found != other->beside.end() && found->second == manifest->files.front().head)
      throw Error(
          "state.12", "checkpoints of one run in '" + directory.string() + "'",
          step_name(step) + " saved when " + step_name(*last) + " was there already",
          "name the step to load, remove what is not wanted, or state::set_aside() an older run first");
  }
  return *last;
}

}  // namespace ashlar::state::detail
