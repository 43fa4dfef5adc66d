#include <ashlar/data/detail/mapped_file.hpp>

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ashlar/error.hpp>

namespace ashlar::data::detail {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

std::string at(const char* what, const std::filesystem::path& file) {
  return std::string(what) + " at '" + file.string() + "'";
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& file, const char* what) {
  // Not blocking, because opening a pipe would otherwise wait for its writer.
  const Descriptor opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  const std::string cause = std::strerror(errno);
  if (opened.fd < 0 && (errno == ENOENT || errno == ENOTDIR))
    throw Error("data.1", at(what, file), "nothing there", "check the path and the working directory");
  if (opened.fd < 0)
    throw Error("data.3", at(what, file) + " that can be read", cause,
                "give this user permission to read it");

  struct stat status {};
  if (::fstat(opened.fd, &status) != 0)
    throw Error("data.3", at(what, file) + " that can be read", std::strerror(errno),
                "check the file system");
  if (S_ISDIR(status.st_mode)) throw Error("data.2", at(what, file), "a directory", "name one file in it");
  if (!S_ISREG(status.st_mode))
    throw Error("data.2", at(what, file), "a pipe or a device",
                "write it to a file first, batches read it out of order");
  if (status.st_size == 0) throw Error("data.4", at(what, file), "an empty file", "check what wrote it");

  size_ = static_cast<std::size_t>(status.st_size);
  void* data = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, opened.fd, 0);
  if (data == MAP_FAILED)
    throw Error("data.3", at(what, file) + " that can be mapped", std::strerror(errno),
                "check the file system");
  data_ = {static_cast<const std::byte*>(data),
           [size = size_](const std::byte* mapped) { ::munmap(const_cast<std::byte*>(mapped), size); }};
}

}  // namespace ashlar::data::detail
