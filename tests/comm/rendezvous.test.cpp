// cost: 60
// How processes without MPI find each other, notice a lost one, and part. Each case runs this program again
// as ranks.
#include <ashlar/comm/detail/rendezvous.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>

#include <unistd.h>

#include <ashlar/comm/guard.hpp>
#include <ashlar/error.hpp>

#include "comm/processes.hpp"
#include "support/catch.hpp"
#include "support/runner.hpp"

namespace ashlar {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using comm::detail::Rendezvous;
using test::run;

test::Outcome ranks(const std::string& name, int world, int started = -1) {
  return run(test::side_by_side(name, world, test::free_port(), started));
}

}  // namespace

TEST_CASE("ranks meet, share what rank 0 says, and part whoever is first") {
  const auto all = ranks("meet", 3);
  INFO(all.output);
  CHECK(all.count("hello from 0") == 3);
  for (const char* code : {"code 0 0", "code 1 0", "code 2 0"}) CHECK(all.count(code) == 1);
  CHECK(all.count("[ashlar.") == 0);
}

TEST_CASE("one after the other, several rendezvous do not read each other's keys") {
  const auto all = ranks("twice", 2);
  INFO(all.output);
  CHECK(all.count("first second") == 2);
}

TEST_CASE("a rank that does not come is named") {
  const auto two = ranks("meet", 3, 2);
  INFO(two.output);
  CHECK(two.count("[ashlar.comm.13] expected 3 ranks at 127.0.0.1:") >= 1);
  CHECK(two.count("none from rank 2") >= 1);
  CHECK(two.count("code 0 1") == 1);
  CHECK(two.count("code 1 1") == 1);
  CHECK(two.seconds < 20);
}

TEST_CASE("when rank 0 does not come, the address and port are named") {
  const int port = test::free_port();
  const auto one =
      run("RANK=1 LOCAL_RANK=1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=" + std::to_string(port) + " " +
          test::probe("meet"));
  INFO(one.output);
  CHECK(one.code == 1);
  CHECK_THAT(one.output,
             ContainsSubstring("[ashlar.comm.11] expected rank 0 to answer at MASTER_ADDR:MASTER_PORT "
                               "127.0.0.1:" +
                               std::to_string(port) + " within 3 s"));
  CHECK(one.count("\n") == 1);
}

TEST_CASE("with an agent's store no rank opens the port") {
  const auto all =
      run("export TORCHELASTIC_USE_AGENT_STORE=True; " + test::side_by_side("meet", 2, test::free_port()));
  INFO(all.output);
  CHECK(all.count("[ashlar.comm.11]") >= 1);
  CHECK(all.count("code 0 1") == 1);
}

TEST_CASE("a lost rank ends the others, and is named") {
  for (const char* how : {"killed_1", "stopped_1", "killed_0"}) {
    const auto all = ranks(how, 3);
    const std::string lost(1, std::string(how).back());
    INFO(how << "\n" << all.output);
    CHECK(all.seconds < 20);
    for (const char* rank : {"0", "1", "2"})
      if (rank != lost) {
        CHECK_THAT(all.output, ContainsSubstring(std::string("rank ") + rank + ": [ashlar.comm.14]"));
        CHECK_THAT(all.output, ContainsSubstring(std::string("code ") + rank + " 1"));
      }
    CHECK(all.count("rank " + lost + " ") >= 2);
  }
}

TEST_CASE("what a rank finds wrong in itself ends all") {
  const auto all = ranks("unwell_2", 3);
  INFO(all.output);
  CHECK(all.count("got the cable is out") == 1);
  CHECK(all.count("rank 2 reports: the cable is out") == 2);
  CHECK(all.count("aborted") == 1);
}

TEST_CASE("an exception on one rank ends all within seconds; on all ranks it is one sentence") {
  for (const char* how : {"throws_0", "throws_2"}) {
    const auto one = ranks(how, 3);
    INFO(one.output);
    CHECK(one.count("[ashlar.test.1]") == 1);
    CHECK(one.seconds < 15);
    for (const char* code : {"code 0 1", "code 1 1", "code 2 1"}) CHECK(one.count(code) == 1);
  }
  const auto all = ranks("throws_all", 3);
  INFO(all.output);
  CHECK(all.count("[ashlar.") == 1);
  CHECK(all.count("rank ") == 0);
}

namespace {

void act(const std::string& name, int rank) {
  const bool mine = name.back() == static_cast<char>('0' + rank);
  if (mine) std::this_thread::sleep_for(500ms);  // the others have heard rank 0 by then
  if (name.starts_with("killed") && mine) std::raise(SIGKILL);
  if (name.starts_with("stopped") && mine) {
    if (fork() == 0) {  // so that the case ends
      std::this_thread::sleep_for(5s);
      kill(getppid(), SIGKILL);
      _exit(0);
    }
    std::raise(SIGSTOP);
  }
  if (name == "throws_all" || (name.starts_with("throws") && mine))
    throw Error("test.1", "this", "that", "nothing");
  if (name != "meet" && name != "twice") std::this_thread::sleep_for(60s);
}

Rendezvous* current = nullptr;

int probe(const std::string& name) {
  return comm::guarded([&] {
    const auto launch = comm::launch();
    Rendezvous::Hooks hooks;
    if (name == "unwell_2" && launch.rank == 2) {
      hooks.failure = [] { return std::string("the cable is out"); };
      hooks.abort = [] { std::fputs("aborted\n", stderr); };
    }
    const Rendezvous::Times times{.arrive = 3s, .beat = 200ms, .silence = 2s};
    const auto get = comm::process_environment();
    const auto meet = [&] { return new Rendezvous(launch, hooks, get, times); };  // outlives the failure
    current = meet();
    comm::detail::join({launch.rank, [](const std::string& sentence) { return current->agree(sentence); },
                        [](int code) { current->end(code); }});
    const auto heard = current->from_root("greeting", "hello from " + std::to_string(launch.rank));
    act(name, launch.rank);
    if (name == "twice") {
      const auto first = current->from_root("x", "first");
      current->leave();
      delete current;
      current = meet();
      std::printf("%s %s\n", first.c_str(), current->from_root("x", "second").c_str());
    } else {
      std::printf("%s\n", heard.c_str());
    }
    if (launch.rank == 1) std::this_thread::sleep_for(3s);  // longer than the silence that is allowed
    current->leave();
    delete current;
  });
}

}  // namespace
}  // namespace ashlar

int main(int argc, char** argv) {
  if (const char* name = std::getenv("ASHLAR_PROBE")) return ashlar::probe(name);
  return ashlar::test::run_tests(argc, argv);
}
