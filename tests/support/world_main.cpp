// The main of tests that run in the world of support/world.hpp.
#include "support/world.hpp"

#include <stdexcept>
#include <string>

#include <ashlar/comm/guard.hpp>

#include "support/runner.hpp"

int main(int argc, char** argv) {
  using namespace ashlar;
  return comm::guarded([&] {
    test::World all;
    test::world_of_all = &all;
    const int failed = test::run_tests(argc, argv, all.rank(), all.size());
    // A destructor may wait for the other ranks, which may wait for this one.
    if (failed) throw std::runtime_error("rank " + std::to_string(all.rank()) + " failed");
    return 0;
  });
}
