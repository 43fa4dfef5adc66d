// Manifest: the page that makes a directory a checkpoint, and the list of those in a directory.
//
//   runs/a/step-00000500/manifest.json                         written last, by rank 0
//                        rank-00000-of-00002.safetensors       that rank's tensors, checksums in __metadata__
//                        rank-00001-of-00002.safetensors
//   runs/a/.step-00000600.partial/                             being written, or left by a kill; the next
//                                                              save removes it
#pragma once

#include <ashlar/cxx20.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::state {

// One rank's file. Its head holds the checksum of each tensor, so that with the head's own it is known
// whether the file is the one that was saved, and not another checkpoint's.
struct RankFileNote {
  std::uint64_t bytes = 0;
  std::string head;  // checksum, in hexadecimal

  bool operator==(const RankFileNote&) const = default;
};

struct Manifest {
  std::int64_t step = 0;
  int world = 1;
  std::vector<RankFileNote> files;    // by rank
  std::string strategy, model, meta;  // as in Snapshot
  // Checkpoints of later steps that were there when this one was saved, which are another run's or branch's:
  // by step, the head of rank 0's file, which tells a checkpoint from another one of its step.
  std::map<std::string, std::string> beside{};
};

// Steps of the whole checkpoints in `directory`, ascending; none if it does not exist.
std::vector<std::int64_t> steps(const std::filesystem::path& directory);
std::optional<std::int64_t> latest(const std::filesystem::path& directory);

// For looking into a checkpoint before anything is built. Errors:
//   [ashlar.state.3]  no checkpoint of this step; names those there are
//   [ashlar.state.4]  manifest unreadable, damaged, of another version, or of another step
Manifest read_manifest(const std::filesystem::path& directory, std::int64_t step);
// The same, or nothing where that throws.
std::optional<Manifest> readable_manifest(const std::filesystem::path& directory, std::int64_t step);

std::string step_name(std::int64_t step);         // step-00000500
std::string rank_file_name(int rank, int world);  // rank-00000-of-00002.safetensors

std::string encode(const Manifest& manifest);
Manifest decode_manifest(const std::string& text, const std::string& file);

}  // namespace ashlar::state
