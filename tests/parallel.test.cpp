// Loops on several threads: each piece once, on as many threads as are this process's share.
#include <ashlar/parallel.hpp>

#include <ATen/Parallel.h>

#include <atomic>
#include <cstdlib>
#include <latch>
#include <vector>

#include "support/catch.hpp"

namespace ashlar {
namespace {

TEST_CASE("in_parallel does all of a range once, in pieces") {
  at::set_num_threads(4);
  for (const std::int64_t numel : {0L, 1L, 99L, 100L, 250L, 100'001L}) {
    std::vector<int> times(static_cast<std::size_t>(numel));
    std::atomic<std::int64_t> pieces = 0, small = 0;
    in_parallel(7, 7 + numel, 100, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) ++times[static_cast<std::size_t>(i - 7)];
      ++pieces;
      small += end - begin < 100;
    });
    CHECK(times == std::vector<int>(static_cast<std::size_t>(numel), 1));
    CHECK(pieces == (numel + 99) / 100);
    CHECK(small == (numel % 100 != 0));
  }
}

TEST_CASE("in_parallel runs on all threads, and a slow piece holds up no other") {
  at::set_num_threads(4);
  std::latch all(4);
  in_parallel(0, 4, 1, [&](auto...) { all.arrive_and_wait(); });

  std::latch others(99);
  in_parallel(0, 100, 1,
              [&](std::int64_t begin, std::int64_t) { begin == 0 ? others.wait() : others.count_down(); });
}

TEST_CASE("a process takes its share of the threads once, unless OMP_NUM_THREADS says how many") {
  unsetenv("OMP_NUM_THREADS");
  at::set_num_threads(8);
  share_threads(4);
  CHECK(threads() == 2);
  share_threads(4);
  CHECK(threads() == 2);
}

}  // namespace
}  // namespace ashlar
