// The world that a test of sharding runs in: GPUs and NCCL in a build with CUDA, else processes and MPI.
// Include it last, and define CATCH_CONFIG_RUNNER first; the test's main calls run_in_world.
#pragma once

#include <stdexcept>
#include <string>

#include <ashlar/comm/guard.hpp>
#ifdef ASHLAR_WITH_CUDA
#include <ashlar/comm/nccl.hpp>
#else
#include <ashlar/comm/mpi.hpp>
#endif

#include "support/ranks.hpp"

namespace ashlar::test {

#ifdef ASHLAR_WITH_CUDA
using World = comm::Nccl;
#else
using World = comm::Mpi;
#endif

inline World* world_of_all = nullptr;  // one for all cases: making one takes a second
inline World& world() {
  return *world_of_all;
}

inline int run_in_world(int argc, char** argv) {
  return comm::guarded([&] {
    World all;
    world_of_all = &all;
    Catch::Session session;
    if (const int wrong = session.applyCommandLine(argc, argv)) return wrong;
    const int failed = run_as_rank(session, all.rank(), all.size());
    // A destructor may wait for the other ranks, which may wait for this one.
    if (failed) throw std::runtime_error("rank " + std::to_string(all.rank()) + " failed");
    return 0;
  });
}

}  // namespace ashlar::test
