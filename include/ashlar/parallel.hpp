// Parallel: loops on as many threads as LibTorch computes with. Its own parallel_for is serial in a program
// that is compiled without OpenMP.
#pragma once

#include <ashlar/cxx20.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace ashlar {

int threads();  // that LibTorch computes with

// This process, one of so many on its host, computes on its share of the threads that LibTorch would take,
// from the first call on, unless OMP_NUM_THREADS says on how many.
void share_threads(int processes);

// work(begin, end) for all of [begin, end) in pieces of `grain`, of which the last may have less. A thread
// that is done with a piece takes the next one, for not all of them are equally fast.
void in_parallel(std::int64_t begin, std::int64_t end, std::int64_t grain, auto&& work) {
  std::atomic<std::int64_t> next = begin;
  const auto take = [&] {
    for (std::int64_t from = 0; (from = next.fetch_add(grain)) < end;)
      work(from, std::min(from + grain, end));
  };
  const std::int64_t pieces = (end - begin + grain - 1) / grain;
  std::vector<std::jthread> others;
  for (std::int64_t i = 1; i < std::min<std::int64_t>(pieces, threads()); ++i) others.emplace_back(take);
  take();
}

}  // namespace ashlar
