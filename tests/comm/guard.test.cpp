// cost: 20
// labels: system
// Failures end processes, so each case runs this program again: alone, and under mpirun where MPI is built
// in.
#include <ashlar/comm/guard.hpp>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <ATen/ATen.h>

#include <ashlar/comm/solo.hpp>
#include <ashlar/error.hpp>

#ifdef ASHLAR_WITH_MPI
#include <ashlar/comm/mpi.hpp>
#endif

#include "comm/processes.hpp"
#include "support/catch.hpp"
#include "support/runner.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;
using comm::guarded;
using test::mpirun_missing;
using test::Outcome;
using test::run;

[[noreturn]] void fail(const std::string& what) {
  throw Error("test.1", "a probe that succeeds", what, "nothing, this is a test");
}

}  // namespace

TEST_CASE("a body that ends well is success, and its code is passed on") {
  CHECK(guarded([] {}) == 0);
  CHECK(guarded([] { return 0; }) == 0);
  CHECK(guarded([] { return 3; }) == 3);
}

TEST_CASE("alone, an exception is one sentence and a code") {
  const auto error = run(test::probe("solo_error"));
  CHECK(error.code == 1);
  CHECK(error.output ==
        "[ashlar.test.1] expected a probe that succeeds, got this: nothing, this is a test\n");
  const auto torch = run(test::probe("solo_torch"));
  CHECK(torch.code == 1);
  CHECK(std::count(torch.output.begin(), torch.output.end(), '\n') == 1);
  const auto other = run(test::probe("solo_other"));
  CHECK(other.code == 1);
  CHECK(other.output == "an exception that is no std::exception\n");
}

#ifdef ASHLAR_WITH_MPI
namespace {

Outcome run_all(int processes, const std::string& name) {
  return run("export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; " +
             test::probe(name, "timeout 60 mpirun --oversubscribe -np " + std::to_string(processes)));
}

}  // namespace

TEST_CASE("all ranks fail with the same words: one prints them") {
  if (mpirun_missing()) return;
  const auto all = run_all(4, "all");
  INFO(all.output);
  CHECK(all.code != 0);
  CHECK(all.count("[ashlar.") == 1);
  CHECK(all.output.rfind("[ashlar.test.1]", 0) == 0);
  CHECK(all.seconds < 20);
}

TEST_CASE("all ranks fail with their own words: each prints them behind its rank") {
  if (mpirun_missing()) return;
  const auto each = run_all(2, "each");
  INFO(each.output);
  CHECK(each.code != 0);
  CHECK(each.count("[ashlar.") == 2);
  CHECK_THAT(each.output,
             ContainsSubstring("rank 1: [ashlar.test.1] expected a probe that succeeds, got rank 1"));
}

TEST_CASE("one rank fails: it prints, and the others do not wait for it") {
  if (mpirun_missing()) return;
  for (const char* name : {"one_in_all_reduce", "one_in_barrier", "one_at_end", "one_code"}) {
    const auto one = run_all(3, name);
    INFO(name << "\n" << one.output);
    CHECK(one.code != 0);
    CHECK(one.seconds < 20);
    if (std::string(name) != "one_code") {
      CHECK(one.count("[ashlar.") == 1);
      CHECK_THAT(one.output, ContainsSubstring("rank 1: [ashlar.test.1]"));
    }
  }
}

TEST_CASE("ranks that fail before the world is made print once") {
  if (mpirun_missing()) return;
  const auto before = run_all(3, "before");
  INFO(before.output);
  CHECK(before.code != 0);
  CHECK(before.count("[ashlar.") == 1);
}

TEST_CASE("a launcher that started more processes than MPI joined is found out") {
  const auto alone = run("RANK=0 WORLD_SIZE=2 " + test::probe("world"));
  CHECK(alone.code == 1);
  CHECK_THAT(alone.output, ContainsSubstring("[ashlar.comm.7] expected an MPI world of 2"));
  const auto half = run("WORLD_SIZE=2 " + test::probe("world"));
  CHECK(half.code == 1);
  CHECK_THAT(half.output, ContainsSubstring("[ashlar.comm.8]"));
}
#endif

namespace {

int probe(const std::string& name) {
  return guarded([&]() -> int {
    if (name == "solo_error" || name == "before") fail("this");
    if (name == "solo_torch") at::zeros({2}).view({3});
    if (name == "solo_other") throw 1;
#ifdef ASHLAR_WITH_MPI
    comm::Mpi world;
    at::Tensor t = at::ones({100000});
    world.all_reduce(t).wait();
    if (name == "all") fail("this");
    if (name == "each") fail("rank " + std::to_string(world.rank()));
    if (world.rank() == 1 && name == "one_code") return 5;
    if (world.rank() == 1 && name.starts_with("one_")) fail("this");
    if (name == "one_in_all_reduce") world.all_reduce(t).wait();
    if (name == "one_in_barrier") world.barrier();
#endif
    return 0;
  });
}

}  // namespace
}  // namespace ashlar

int main(int argc, char** argv) {
  if (const char* name = std::getenv("ASHLAR_PROBE")) return ashlar::probe(name);
  return ashlar::test::run_tests(argc, argv);
}
