// libtorch: no
#include <ashlar/data/windows.hpp>

#include <algorithm>
#include <numeric>
#include <set>

#include "data/temporary.hpp"
#include "support/catch.hpp"

using namespace ashlar;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("permute is a bijection for every size and key") {
  for (const std::uint64_t size : {1u, 2u, 3u, 4u, 5u, 15u, 16u, 17u, 63u, 64u, 65u, 1000u, 4097u})
    for (const std::uint64_t key : {0u, 1u, 99u}) {
      std::vector<std::uint64_t> seen(size);
      for (std::uint64_t i = 0; i < size; ++i) seen[i] = data::permute(i, size, key);
      std::ranges::sort(seen);
      std::vector<std::uint64_t> all(size);
      std::iota(all.begin(), all.end(), 0);
      REQUIRE(seen == all);
    }
  CHECK(data::permute(std::uint64_t{1} << 62, (std::uint64_t{1} << 63) + 1, 5) <= std::uint64_t{1} << 63);
}

TEST_CASE("permute mixes: neighbours land apart, and keys give other orders") {
  const std::uint64_t size = 10000;
  double distance = 0, fixed = 0;
  for (std::uint64_t i = 0; i + 1 < size; ++i) {
    distance += std::abs(double(data::permute(i, size, 1)) - double(data::permute(i + 1, size, 1))) / size;
    fixed += data::permute(i, size, 1) == data::permute(i, size, 2);
  }
  CHECK(distance / size == Catch::Approx(1. / 3).margin(0.02));  // the mean distance of two random points
  CHECK(fixed < 10);                                             // 1 is the mean
}

TEST_CASE("an epoch visits every window once and stays inside; epochs and seeds differ") {
  for (const std::uint64_t tokens : {101u, 109u, 110u, 119u, 120u, 1234u}) {
    const data::Windows windows(tokens, 10, 10, 7);
    std::set<std::set<std::uint64_t>> orders;
    for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
      std::set<std::uint64_t> starts;
      for (std::int64_t i = 0; i < windows.an_epoch(); ++i) {
        const auto start = windows.start(epoch * windows.an_epoch() + i);
        REQUIRE(start + 10 + 1 <= tokens);
        starts.insert(start);
      }
      REQUIRE(std::ssize(starts) == windows.an_epoch());
      for (auto a = starts.begin(), b = std::next(a); b != starts.end(); ++a, ++b) REQUIRE(*b - *a == 10);
      orders.insert(starts);
    }
    CHECK(windows.an_epoch() * 10 + 20 >
          static_cast<std::int64_t>(tokens) - 1);  // less than two windows are left over
    if (tokens >= 120) CHECK(orders.size() > 5);   // the cuts move
  }
  CHECK(data::Windows(1000, 10, 4, 1).start(0) != data::Windows(1000, 10, 4, 2).start(0));
}

TEST_CASE("too few tokens for one batch says how many are needed and found") {
  CHECK_NOTHROW(data::Windows(4 * 256 + 1, 256, 4, 0));
  CHECK_THAT(
      test::sentence([] { data::Windows(4 * 256, 256, 4, 0); }),
      ContainsSubstring(
          "[ashlar.data.10] expected at least 1025 tokens for one batch of 4 sequences of 256, got 1024"));
}
