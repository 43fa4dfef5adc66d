// libtorch: no
#include <ashlar/report/memory.hpp>

#include <vector>

#include "support/catch.hpp"

using namespace ashlar;

TEST_CASE("resident memory follows what the process touches, and the peak stays") {
  constexpr std::int64_t bytes = 64 << 20;
  const auto before = report::resident_bytes();
  REQUIRE(before > 0);
  {
    const std::vector<char> touched(bytes, 1);
    CHECK(report::resident_bytes() > before + bytes / 2);
  }
  CHECK(report::resident_bytes() < before + bytes / 2);
  CHECK(report::peak_resident_bytes() > before + bytes / 2);
}
