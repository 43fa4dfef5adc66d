// Catch's main for tests of several processes under MPI.
#define CATCH_CONFIG_RUNNER
#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/mpi.hpp>

#include "support/ranks.hpp"

int main(int argc, char** argv) {
  return ashlar::comm::guarded([&] {
    ashlar::comm::Mpi world;
    Catch::Session session;
    if (const int wrong = session.applyCommandLine(argc, argv)) return wrong;
    return ashlar::test::run_as_rank(session, world.rank(), world.size());
  });
}
