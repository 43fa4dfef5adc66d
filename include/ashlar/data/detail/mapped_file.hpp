// A whole file as read-only memory, shared by copies, unmapped with the last of them.
#pragma once

#include <ashlar/cxx20.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace ashlar::data::detail {

// `what` names the kind of file in errors: "a text", "a token file".
//   [ashlar.data.1]  nothing there        [ashlar.data.2]  a directory, a pipe, a device
//   [ashlar.data.3]  not readable         [ashlar.data.4]  no bytes
// The file must not shrink while it is mapped: reading the lost pages would kill the process.
class MappedFile {
 public:
  MappedFile(const std::filesystem::path& file, const char* what);

  std::span<const std::byte> bytes() const { return {data_.get(), size_}; }

 private:
  std::shared_ptr<const std::byte> data_;
  std::size_t size_ = 0;
};

}  // namespace ashlar::data::detail
