// libtorch: no
#include <ashlar/report/memory.hpp>

#include <cstring>

#include <sys/mman.h>

#include "support/catch.hpp"

using namespace ashlar;

TEST_CASE("resident memory follows what the process touches, and the peak stays") {
  constexpr std::int64_t bytes = 64 << 20;
  const auto before = report::resident_bytes();
  REQUIRE(before > 0);
  // Mapped by hand: an allocator may keep what it was given back.
  void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(mapped != MAP_FAILED);
  std::memset(mapped, 1, bytes);
  CHECK(report::resident_bytes() > before + bytes / 2);
  ::munmap(mapped, bytes);
  CHECK(report::resident_bytes() < before + bytes / 2);
  CHECK(report::peak_resident_bytes() > before + bytes / 2);
}
