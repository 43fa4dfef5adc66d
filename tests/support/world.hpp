// The world that a test of sharding runs in: GPUs and NCCL in a build with CUDA, else processes and MPI.
#pragma once

#ifdef ASHLAR_WITH_CUDA
#include <ashlar/comm/nccl.hpp>
#else
#include <ashlar/comm/mpi.hpp>
#endif

#include "support/catch.hpp"

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

}  // namespace ashlar::test
