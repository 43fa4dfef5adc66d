#include <ashlar/state/save.hpp>

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include <ashlar/error.hpp>
#include <ashlar/state/detail/rank_file.hpp>
#include <ashlar/state/manifest.hpp>

namespace ashlar::state::detail {
namespace {

namespace fs = std::filesystem;

// What a kill can leave: directories that are being written or removed.
void remove_leftovers(const fs::path& directory) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(".step-") && (name.ends_with(".partial") || name.ends_with(".removed")))
      fs::remove_all(entry.path());
  }
}

}  // namespace

Saving::Saving(fs::path directory, std::int64_t step, const Snapshot& snapshot, int rank, int world, int keep)
    : directory_(fs::absolute(directory)),
      partial_(directory_ / ("." + step_name(step) + ".partial")),
      final_(directory_ / step_name(step)),
      step_(step),
      snapshot_(snapshot),
      rank_(rank),
      world_(world),
      keep_(keep) {}

Saving::~Saving() {
  std::error_code ignored;
  if (rank_ == 0) fs::remove_all(partial_, ignored);
}

void Saving::prepare() {
  if (step_ < 0 || keep_ < 1)
    throw Error("state.11", "a step of at least 0 and at least 1 checkpoint to keep",
                "step " + std::to_string(step_) + " and " + std::to_string(keep_) + " to keep",
                "correct the two numbers");
  head_of(snapshot_.tensors);
  if (rank_ != 0) return;
  if (fs::exists(final_) && !fs::is_directory(final_))
    throw Error("state.1", "to write the directory '" + final_.string() + "'",
                "a file of that name, which is no checkpoint", "move it away");
  try {
    if (fs::create_directories(directory_)) sync_directory(directory_.parent_path());
    remove_leftovers(directory_);
    fs::create_directory(partial_);
  } catch (const fs::filesystem_error& error) {
    cannot_write(error.path1(), error.code().value());
  }
}

void Saving::write() {
  if (!fs::is_directory(partial_))
    throw Error("state.1", "the directory that rank 0 made at '" + partial_.string() + "'",
                "none on rank " + std::to_string(rank_), "save to a file system that all hosts share");
  write_tensors(partial_ / rank_file_name(rank_, world_), snapshot_.tensors);
}

void Saving::publish() {
  if (rank_ != 0) return;
  Manifest manifest{step_, world_, {}, snapshot_.strategy, snapshot_.model, snapshot_.meta};
  for (int rank = 0; rank < world_; ++rank) {
    const fs::path file = partial_ / rank_file_name(rank, world_);
    std::error_code failed;
    const std::uint64_t bytes = fs::file_size(file, failed);
    if (failed)
      throw Error("state.1", "the file of rank " + std::to_string(rank) + " in '" + partial_.string() + "'",
                  failed.message(), "save to a file system that all hosts share");
    manifest.files.push_back({bytes, head_checksum(file)});
  }
  for (const std::int64_t other : steps(directory_))
    if (const auto later = other > step_ ? readable_manifest(directory_, other) : std::nullopt)
      manifest.beside[std::to_string(other)] = later->files.front().head;
  const std::string text = encode(manifest);
  File file = File::create(partial_ / "manifest.json");
  file.write(std::as_bytes(std::span(text)), 0);
  file.finish();
  sync_directory(partial_);
  rename_or_exchange(partial_, final_);
  sync_directory(directory_);
}

// First renamed, so that a kill leaves none half removed under a checkpoint's name. Failures are left for the
// next save: the new checkpoint is safe whatever happens here.
void Saving::prune() {
  if (rank_ != 0) return;
  auto older = steps(directory_);
  std::erase_if(older, [&](std::int64_t other) { return other > step_; });
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep_) < older.size(); ++i) {
    const std::string name = step_name(older[i]);
    const fs::path removed = directory_ / ("." + name + ".removed");
    std::error_code ignored;
    fs::rename(directory_ / name, removed, ignored);
    if (!ignored) fs::remove_all(removed, ignored);
  }
}

}  // namespace ashlar::state::detail
