// processes: 2
// A child that a rank forks, as to prepare data, ends as any process does, and the ranks go on.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include <ATen/ATen.h>

#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/mpi.hpp>

#include "support/catch.hpp"

namespace ashlar {

namespace {

// What a child that runs body() and exits returns; -1 if it does not end.
int child(auto&& body) {
  const pid_t child = ::fork();
  if (child == 0) std::exit(body());
  int status = 0;
  bool ended = false;
  for (int i = 0; i < 100 && !ended; ++i) {
    ended = ::waitpid(child, &status, WNOHANG) == child;
    if (!ended) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  if (ended) return WEXITSTATUS(status);
  ::kill(child, SIGKILL);
  return -1;
}

}  // namespace

TEST_CASE("a forked child ends without the others") {
  comm::Mpi world;
  CHECK(child([] { return 3; }) == 3);
  CHECK(child([] { return comm::guarded([] { throw std::runtime_error("a child's own"); }); }) == 1);
  Tensor sum = at::ones({1});
  world.all_reduce(sum).wait();
  CHECK(sum.item<double>() == world.size());
}

}  // namespace ashlar
