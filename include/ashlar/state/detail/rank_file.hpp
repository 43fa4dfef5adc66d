// One rank's tensors as a safetensors file with a checksum of each.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ashlar/state/detail/file.hpp>
#include <ashlar/state/manifest.hpp>
#include <ashlar/state/safetensors.hpp>
#include <ashlar/state/snapshot.hpp>

namespace ashlar::state::detail {

// [ashlar.state.11]: a name twice or reserved, a tensor that is undefined or of another dtype. Before
// anything is written.
SafetensorsHead head_of(const std::vector<Entry>& tensors);

// Writes, syncs and closes. Device tensors pass through host memory one at a time.
void write_tensors(const std::filesystem::path& path, const std::vector<Entry>& tensors);

// The checksum of a written file's head, in hexadecimal.
std::string head_checksum(const std::filesystem::path& path);

// A file that fits `tensors`: first checked from end to end, then copied, so that a damaged one changes
// nothing.
class RankFile {
 public:
  // [ashlar.state.7] unreadable or of another size, [ashlar.state.8] damaged head, [ashlar.state.9] another
  // file's head, [ashlar.state.10] tensors missing, superfluous, of another shape or dtype
  RankFile(const std::filesystem::path& path, const RankFileNote& note, const std::vector<Entry>& tensors);

  void check() const;                                     // every checksum; [ashlar.state.9] names the tensor
  void copy_to(const std::vector<Entry>& tensors) const;  // bit for bit, in place

 private:
  std::filesystem::path path_;
  File file_;
  SafetensorsHead head_;
  std::uint64_t data_ = 0;  // first byte of the data
};

}  // namespace ashlar::state::detail
