#include <ashlar/state/detail/file.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ashlar/error.hpp>

namespace ashlar::state::detail {
namespace {

constexpr std::size_t most = std::size_t{1} << 30;  // bytes a call; Linux moves less than 2 GiB at once

[[noreturn]] void cannot_read(const std::filesystem::path& path, const std::string& cause) {
  throw Error("state.7", "to read '" + path.string() + "'", cause, "restore it or load another checkpoint");
}

}  // namespace

void cannot_write(const std::filesystem::path& path, int cause) {
  throw Error("state.1", "to write '" + path.string() + "'", std::strerror(cause),
              "make space or permission there, earlier checkpoints are untouched");
}

File File::create(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) cannot_write(path, errno);
  return {path, fd};
}

File File::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) cannot_read(path, std::strerror(errno));
  return {path, fd};
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

void File::write(std::span<const std::byte> bytes, std::uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(fd_, bytes.data(), std::min(bytes.size(), most), static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) cannot_write(path_, done < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    at += static_cast<std::uint64_t>(done);
  }
}

void File::finish() {
  if (::fsync(fd_) != 0) cannot_write(path_, errno);
  if (::close(std::exchange(fd_, -1)) != 0) cannot_write(path_, errno);
}

std::uint64_t File::size() const {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) cannot_read(path_, std::strerror(errno));
  return static_cast<std::uint64_t>(status.st_size);
}

void File::read(std::span<std::byte> bytes, std::uint64_t at) const {
  while (!bytes.empty()) {
    const ssize_t done = ::pread(fd_, bytes.data(), std::min(bytes.size(), most), static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) cannot_read(path_, done < 0 ? std::strerror(errno) : "an early end");
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    at += static_cast<std::uint64_t>(done);
  }
}

void sync_directory(const std::filesystem::path& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) cannot_write(directory, errno);
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (failed && failed != EINVAL) cannot_write(directory, failed);  // EINVAL: a file system without it
}

void rename_or_exchange(const std::filesystem::path& from, const std::filesystem::path& to) {
  const unsigned how = std::filesystem::exists(to) ? RENAME_EXCHANGE : RENAME_NOREPLACE;
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), how) == 0) return;
  // Some network file systems know neither flag; a plain rename is as atomic where nothing is replaced.
  if (how == RENAME_NOREPLACE && (errno == EINVAL || errno == ENOSYS) &&
      std::rename(from.c_str(), to.c_str()) == 0)
    return;
  if (how == RENAME_EXCHANGE && (errno == EINVAL || errno == ENOSYS))
    throw Error("state.1", "to write '" + to.string() + "'",
                "a checkpoint of this step that cannot be exchanged here", "remove it or save elsewhere");
  cannot_write(to, errno);
}

}  // namespace ashlar::state::detail
