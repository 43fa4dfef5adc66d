// A world of threads in one process, for tests that need several ranks and no MPI.
#pragma once

#include <barrier>
#include <functional>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include <ATen/core/Tensor.h>

#include <ashlar/concepts/communicator.hpp>

namespace ashlar::test {

class Threads {
 public:
  static constexpr std::string_view name = "Threads";
  struct Work {
    void wait() {}
  };

  struct World {
    explicit World(int ranks) : size(ranks), all(ranks) {}
    int size;
    std::barrier<> all;
    std::mutex mutex;
    Tensor sum;
  };

  Threads(World& world, int rank) : world_(&world), rank_(rank) {}

  int rank() const { return rank_; }
  int size() const { return world_->size; }
  void barrier() { world_->all.arrive_and_wait(); }

  Work all_reduce(Tensor& tensor) {
    barrier();
    if (rank_ == 0) world_->sum = tensor.clone();
    barrier();
    if (rank_ != 0) {
      const std::scoped_lock lock(world_->mutex);
      world_->sum.add_(tensor);
    }
    barrier();
    tensor.copy_(world_->sum);
    barrier();
    return {};
  }

 private:
  World* world_;
  int rank_;
};

static_assert(has_all_reduce<Threads>);

// Runs `body` as every rank; what it returns, by rank.
template <class Body>
auto run_world(int ranks, Body&& body) {
  Threads::World world(ranks);
  std::vector<decltype(body(std::declval<Threads&>()))> results(static_cast<std::size_t>(ranks));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank)
    threads.emplace_back([&, rank] {
      Threads comm(world, rank);
      results[static_cast<std::size_t>(rank)] = body(comm);
    });
  for (std::thread& thread : threads) thread.join();
  return results;
}

}  // namespace ashlar::test
