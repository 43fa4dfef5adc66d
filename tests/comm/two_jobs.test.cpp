// labels: system
// Processes without MPI: a second job on the port of a first, and ranks that make different calls. Each case
// runs this program again as ranks.
#include <ashlar/comm/detail/rendezvous.hpp>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include <ashlar/comm/detail/store.hpp>
#include <ashlar/comm/during.hpp>
#include <ashlar/comm/guard.hpp>

#include "comm/processes.hpp"
#include "support/catch.hpp"
#include "support/runner.hpp"

namespace ashlar {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using comm::During;
using comm::Joint;
using comm::detail::Rendezvous;
using test::run;

// One rank of a hand-made launch, which adds `name` to what it prints.
std::string rank(int number, int world, int port, const std::string& name) {
  const auto r = std::to_string(number);
  return "{ RANK=" + r + " LOCAL_RANK=" + r + " WORLD_SIZE=" + std::to_string(world) +
         " LOCAL_WORLD_SIZE=" + std::to_string(world) +
         " MASTER_ADDR=127.0.0.1 MASTER_PORT=" + std::to_string(port) + " " + test::probe(name) +
         "; echo \"code $? of " + name + " " + r + "\"; } & ";
}

}  // namespace

TEST_CASE("a second job on the port of a first is refused, and the first goes on") {
  const int port = test::free_port();
  const auto all =
      run(rank(0, 2, port, "work:3000") + rank(1, 2, port, "work:3000") + "sleep 1; " +
          rank(0, 2, port, "second:0") + rank(1, 2, port, "second:0") + rank(1, 3, port, "third:0") + "wait");
  INFO(all.output);
  CHECK(all.count("code 0 of work") == 2);
  CHECK(all.count("code 1 of second") == 2);
  CHECK(all.count("code 1 of third") == 1);
  CHECK_THAT(all.output, ContainsSubstring("[ashlar.comm.18] expected one process as rank 1 at 127.0.0.1:" +
                                           std::to_string(port)));
  CHECK_THAT(all.output, ContainsSubstring("which is 2, got 3 on rank 1"));
  CHECK_THAT(all.output, ContainsSubstring("choose another MASTER_PORT"));
}

TEST_CASE("where a rank of the second job took the place of one of the first, both end") {
  const int port = test::free_port();
  const auto all = run(rank(0, 2, port, "first:6000") + rank(1, 2, port, "late:2500") + "sleep 1; " +
                       rank(1, 2, port, "second:6000") + "wait");
  INFO(all.output);
  CHECK(all.count("code 1 of") == 3);
  CHECK(all.count("[ashlar.comm.18] expected one process as rank 1") == 3);
}

TEST_CASE("ranks that make different calls end, and both calls are named") {
  const int port = test::free_port();
  const auto all =
      run(rank(0, 3, port, "se:0") + rank(1, 3, port, "se:0") + rank(2, 3, port, "ss:0") + "wait");
  INFO(all.output);
  CHECK(all.count("code 1 of") >= 2);
  CHECK(all.count("rank 2 called step() while rank 0 called evaluate()") >= 2);
  const int other = test::free_port();
  const auto one_more = run(rank(0, 2, other, "ss:0") + rank(1, 2, other, "s:0") + "wait");
  INFO(one_more.output);
  CHECK(one_more.count("code 1 of") == 2);
  CHECK(one_more.count("rank 1 ended its communicator while rank 0 called step()") == 2);
}

TEST_CASE("a rank that waits says for whom, and goes on") {
  const int port = test::free_port();
  const auto all = run(rank(0, 2, port, "s:0") + rank(1, 2, port, "ws:0") + "wait");
  INFO(all.output);
  CHECK(all.count("code 0 of") == 2);
  CHECK_THAT(all.output, ContainsSubstring("rank 0: step() has waited 1 s for rank 1"));
}

TEST_CASE("a host that is not known is named, without a backtrace") {
  const auto one = run("RANK=1 LOCAL_RANK=0 WORLD_SIZE=2 MASTER_ADDR=nowhere.invalid MASTER_PORT=29500 " +
                       test::probe("stranger:0"));
  INFO(one.output);
  CHECK(one.code == 1);
  CHECK_THAT(one.output, ContainsSubstring("[ashlar.comm.19]") && ContainsSubstring("'nowhere.invalid'"));
  CHECK(one.count("\n") == 1);
}

TEST_CASE("a host where nobody listens is named, without a backtrace") {
  const auto one = run("RANK=1 LOCAL_RANK=0 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=" +
                       std::to_string(test::free_port()) + " " + test::probe("stranger:0"));
  INFO(one.output);
  CHECK(one.code == 1);
  CHECK_THAT(one.output, ContainsSubstring("[ashlar.comm.11]"));
  CHECK(one.count("\n") == 1);
}

namespace {

// A call that ends when all ranks have begun it.
void call(comm::detail::Store& store, Joint joint, int number, int world) {
  const During during(joint, world);
  const auto key = "call/" + std::to_string(number);
  for (auto here = store.add(key, 1); here < world; here = store.add(key, 0))
    std::this_thread::sleep_for(20ms);
}

// what:milliseconds. `late` comes so much later than it starts, and `stranger` has little patience; the
// others then stay for so long. Each letter of sew is a call: step, evaluate, or a second of something else.
int probe(const std::string& name) {
  return comm::guarded([&] {
    const auto what = name.substr(0, name.find(':'));
    const std::chrono::milliseconds time{std::stoi(name.substr(what.size() + 1))};
    const auto launch = comm::launch();
    const auto get = comm::process_environment();
    if (what == "late") std::this_thread::sleep_for(time);
    Rendezvous ranks(
        launch, {}, get,
        {.arrive = what == "stranger" ? 500ms : 10'000ms, .beat = 200ms, .silence = 5s, .patience = 400ms});
    std::this_thread::sleep_for(time);
    if (what.find_first_not_of("sew") == std::string::npos) {
      auto options = comm::detail::Store::options(launch, get);
      options.prefix = "calls";
      options.hosts = false;
      comm::detail::Store store(options);
      int number = 0;
      for (const char letter : what)
        if (letter == 'w')
          std::this_thread::sleep_for(1s);
        else
          call(store, letter == 's' ? Joint::step : Joint::evaluate, number++, launch.world);
    }
    ranks.leave();
  });
}

}  // namespace
}  // namespace ashlar

int main(int argc, char** argv) {
  if (const char* name = std::getenv("ASHLAR_PROBE")) return ashlar::probe(name);
  return ashlar::test::run_tests(argc, argv);
}
