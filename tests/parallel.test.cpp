// Loops on several threads: each piece once, and as many threads as are this process's share.
#include <ashlar/parallel.hpp>

#include <ATen/Parallel.h>

#include <cstdlib>
#include <mutex>
#include <set>
#include <vector>

#include "support/catch.hpp"

namespace ashlar {
namespace {

TEST_CASE("in_parallel does all of a range once, on as many threads as have enough to do") {
  at::set_num_threads(4);
  for (const std::int64_t numel : {0L, 1L, 99L, 250L, 100'001L}) {
    std::vector<int> times(static_cast<std::size_t>(numel));
    std::set<std::thread::id> on;
    std::mutex guard;
    in_parallel(7, 7 + numel, 100, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) ++times[static_cast<std::size_t>(i - 7)];
      const std::scoped_lock lock(guard);
      on.insert(std::this_thread::get_id());
    });
    CHECK(times == std::vector<int>(static_cast<std::size_t>(numel), 1));
    CHECK(on.size() == (numel < 200 ? 1U : numel < 400 ? 2U : 4U));
  }
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
