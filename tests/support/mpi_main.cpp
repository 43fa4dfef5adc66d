// The main of tests of several processes under MPI.
#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/mpi.hpp>

#include "support/runner.hpp"

int main(int argc, char** argv) {
  return ashlar::comm::guarded([&] {
    ashlar::comm::Mpi world;
    return ashlar::test::run_tests(argc, argv, world.rank(), world.size());
  });
}
