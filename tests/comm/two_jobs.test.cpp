// labels: system
// Processes without MPI: a second job on the port of a first, and ranks that make different calls. Each case
// runs this program again as ranks.
#include <ashlar/comm/detail/rendezvous.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <ashlar/comm/detail/store.hpp>
#include <ashlar/comm/during.hpp>

#include "comm/processes.hpp"
#include "data/temporary.hpp"
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

// One rank of a hand-made launch, whose exit code is told with `name`.
std::string rank(int number, int world, int port, const std::string& name) {
  const auto r = std::to_string(number);
  return "{ RANK=" + r + " LOCAL_RANK=" + r + " WORLD_SIZE=" + std::to_string(world) +
         " LOCAL_WORLD_SIZE=" + std::to_string(world) +
         " MASTER_ADDR=127.0.0.1 MASTER_PORT=" + std::to_string(port) + " " + test::probe(name) +
         "; echo \"code $? of " + name + " " + r + "\"; } & ";
}

// In a folder of its own, where `met` says that a job has met and `end` that it may part.
test::Outcome in_folder(const std::string& command) {
  const test::TemporaryDirectory folder;
  return run("cd '" + folder.path.string() + "' && { " + command + "; }");
}
const std::string once_met = "until [ -e met ]; do sleep 0.05; done; ";

}  // namespace

TEST_CASE("a second job on the port of a first is refused, and the first goes on") {
  const int port = test::free_port();
  const auto all = in_folder(rank(0, 2, port, "first") + "a=$!; " + rank(1, 2, port, "first") + "b=$!; " +
                             once_met + rank(0, 2, port, "second") + "c=$!; " + rank(1, 2, port, "second") +
                             "d=$!; " + rank(1, 3, port, "third") + "wait $c $d $!; touch end; wait $a $b");
  INFO(all.output);
  CHECK(all.count("code 0 of first") == 2);
  CHECK(all.count("code 1 of second") == 2);
  CHECK(all.count("code 1 of third") == 1);
  CHECK_THAT(all.output, ContainsSubstring("[ashlar.comm.18] expected one process as rank 1 at 127.0.0.1:" +
                                           std::to_string(port)));
  CHECK_THAT(all.output, ContainsSubstring("which is 2, got 3 on rank 1"));
  CHECK_THAT(all.output, ContainsSubstring("choose another MASTER_PORT"));
}

TEST_CASE("where a rank of the second job took the place of one of the first, both end") {
  const int port = test::free_port();
  const auto all = in_folder(rank(0, 2, port, "first") + rank(1, 2, port, "late") + "sleep 0.5; " +
                             rank(1, 2, port, "second") + "wait");
  INFO(all.output);
  CHECK(all.count("code 1 of") == 3);
  CHECK(all.count("[ashlar.comm.18] expected one process as rank 1") == 3);
}

TEST_CASE("ranks that make different calls end, and both calls are named") {
  const int port = test::free_port();
  const auto all = run(rank(0, 3, port, "se") + rank(1, 3, port, "se") + rank(2, 3, port, "ss") + "wait");
  INFO(all.output);
  CHECK(all.count("code 1 of") >= 2);
  CHECK(all.count("rank 2 called step() while rank 0 called evaluate()") >= 2);
  const int other = test::free_port();
  const auto one_more = run(rank(0, 2, other, "ss") + rank(1, 2, other, "s") + "wait");
  INFO(one_more.output);
  CHECK(one_more.count("code 1 of") == 2);
  CHECK(one_more.count("rank 1 ended its communicator while rank 0 called step()") == 2);
}

TEST_CASE("a rank that waits says for whom, and goes on") {
  const int port = test::free_port();
  const auto all = run(rank(0, 2, port, "s") + rank(1, 2, port, "ws") + "wait");
  INFO(all.output);
  CHECK(all.count("code 0 of") == 2);
  CHECK_THAT(all.output,
             ContainsSubstring("rank 0: step() has waited ") && ContainsSubstring(" s for rank 1"));
}

TEST_CASE("a host that is not known is named, without a backtrace") {
  const auto one = run("RANK=1 LOCAL_RANK=0 WORLD_SIZE=2 MASTER_ADDR=nowhere.invalid MASTER_PORT=29500 " +
                       test::probe("stranger"));
  INFO(one.output);
  CHECK(one.code == 1);
  CHECK_THAT(one.output, ContainsSubstring("[ashlar.comm.19]") && ContainsSubstring("'nowhere.invalid'"));
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

void wait_for(const char* file) {
  for (const auto start = std::chrono::steady_clock::now();
       !std::filesystem::exists(file) && std::chrono::steady_clock::now() - start < 15s;)
    std::this_thread::sleep_for(20ms);
}

// `first` and `second` meet and stay; `late` comes when others have met in its place; `stranger` has little
// patience. Each letter of sew is a call: step, evaluate, or a second of something else.
void act(const std::string& name) {
  const auto launch = comm::launch();
  const auto get = comm::process_environment();
  if (name == "late") wait_for("met");
  Rendezvous ranks(
      launch, {}, get,
      {.arrive = name == "stranger" ? 500ms : 10'000ms, .beat = 100ms, .silence = 5s, .patience = 300ms});
  if (name.find_first_not_of("sew") == std::string::npos) {
    auto options = comm::detail::Store::options(launch, get);
    options.prefix = "calls";
    options.hosts = false;
    comm::detail::Store store(options);
    int number = 0;
    for (const char letter : name)
      if (letter == 'w')
        std::this_thread::sleep_for(1s);
      else
        call(store, letter == 's' ? Joint::step : Joint::evaluate, number++, launch.world);
  } else {
    std::ofstream("met") << "";
    wait_for("end");
  }
  ranks.leave();
}

int probe(const std::string& name) {
  try {
    act(name);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace ashlar

int main(int argc, char** argv) {
  if (const char* name = std::getenv("ASHLAR_PROBE")) return ashlar::probe(name);
  return ashlar::test::run_tests(argc, argv);
}
