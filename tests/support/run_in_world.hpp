// The main of a test that runs in the world of support/world.hpp. Include it last, and define
// CATCH_CONFIG_RUNNER first.
#pragma once

#include <stdexcept>
#include <string>

#include <ashlar/comm/guard.hpp>

#include "support/ranks.hpp"
#include "support/world.hpp"

namespace ashlar::test {

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
