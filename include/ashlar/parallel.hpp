// Parallel: loops on as many threads as LibTorch computes with. Its own parallel_for is serial in a program
// that is compiled without OpenMP.
#pragma once

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

namespace ashlar {

int threads();  // that LibTorch computes with

// This process, one of so many on its host, computes on its share of the threads that LibTorch would take,
// from the first call on, unless OMP_NUM_THREADS says on how many.
void share_threads(int processes);

// work(begin, end) for all of [begin, end), cut into one piece a thread, of which only one has less than
// `grain`.
void in_parallel(std::int64_t begin, std::int64_t end, std::int64_t grain, auto&& work) {
  const std::int64_t pieces = std::clamp<std::int64_t>((end - begin) / grain, 1, threads());
  const auto cut = [&](std::int64_t piece) {
    return piece < pieces ? begin + (end - begin) / pieces * piece : end;
  };
  std::vector<std::jthread> others;
  for (std::int64_t piece = 1; piece < pieces; ++piece)
    others.emplace_back([&work, from = cut(piece), to = cut(piece + 1)] { work(from, to); });
  work(begin, cut(1));
}

}  // namespace ashlar
