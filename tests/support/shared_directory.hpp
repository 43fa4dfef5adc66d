#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include <unistd.h>

#include <ashlar/state/together.hpp>

namespace ashlar::test {

// A directory of this run's, one for all ranks; gone with it.
template <class Comm>
class SharedDirectory {
 public:
  explicit SharedDirectory(Comm& comm)
      : comm_(comm),
        path_(std::filesystem::temp_directory_path() /
              ("ashlar." + std::to_string(state::of_rank_0(comm, ::getpid())))) {}
  ~SharedDirectory() {
    comm_.barrier();
    std::error_code ignored;
    if (comm_.rank() == 0) std::filesystem::remove_all(path_, ignored);
    comm_.barrier();
  }
  SharedDirectory(const SharedDirectory&) = delete;
  SharedDirectory& operator=(const SharedDirectory&) = delete;
  operator const std::filesystem::path&() const { return path_; }

 private:
  Comm& comm_;
  std::filesystem::path path_;
};

}  // namespace ashlar::test
