// Files that are written to stay, and read to the last byte; every failure of the system becomes a sentence.
#pragma once

#include <ashlar/cxx20.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace ashlar::state::detail {

// Owns a descriptor.
class File {
 public:
  static File create(const std::filesystem::path& path);  // must not exist; [ashlar.state.1]
  static File open(const std::filesystem::path& path);    // to read; [ashlar.state.7]
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // [ashlar.state.1]: full disk, quota, file size limit, I/O error; names the file and the cause.
  void write(std::span<const std::byte> bytes, std::uint64_t at);
  void finish();  // on the disk, and closed: some file systems report a failed write only here

  std::uint64_t size() const;
  void read(std::span<std::byte> bytes, std::uint64_t at) const;  // all of them; [ashlar.state.7]

 private:
  File(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::filesystem::path path_;
  int fd_;
};

// Makes the entries of a directory lasting: new files in it, renames within it.
void sync_directory(const std::filesystem::path& directory);

// One step for whoever looks. An existing `to` becomes `from`. [ashlar.state.1]
void rename_or_exchange(const std::filesystem::path& from, const std::filesystem::path& to);

[[noreturn]] void cannot_write(const std::filesystem::path& path, int cause);

}  // namespace ashlar::state::detail
