// labels: slow
// A process that saves without pause is killed at random moments: what it leaves must always load, whole.
#include <chrono>
#include <csignal>
#include <random>

#include <sys/wait.h>
#include <unistd.h>

#include "state/saved.hpp"
#include "support/catch.hpp"

using namespace ashlar;

namespace {

constexpr int kills = 40;
constexpr std::int64_t numel = 200'000;

// Two ranks save steps from `first` on, in turns also the same step twice, until killed.
[[noreturn]] void save_for_ever(const std::filesystem::path& dir, std::int64_t first) {
  test::run_world(2, [&](test::Threads& comm) {
    for (std::int64_t step = first;; ++step)
      for (int again = 0; again < 1 + step % 2; ++again)
        if (test::try_save(dir, step, test::snapshot(comm.rank(), static_cast<double>(step), numel), comm) !=
            "no error")
          ::_exit(1);
    return 0;
  });
  ::_exit(1);
}

bool interrupted(const std::filesystem::path& dir) {
  for (const auto& name : test::names_in(dir))
    if (name.starts_with(".step-")) return true;
  return false;
}

}  // namespace

TEST_CASE("a kill at any moment leaves whole checkpoints") {
  const test::TemporaryDirectory dir;
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(test::run_world(2, [&](test::Threads& comm) {
            return test::try_save(dir.path, 1, test::snapshot(comm.rank(), 1, numel), comm);
          }) == test::both_fine);
  // A child starts, and then saves some times before it is killed, however slow this machine is.
  const std::chrono::duration<double> a_save = std::chrono::steady_clock::now() - start;
  std::uniform_real_distribution<double> patience(0.1, 0.01e6 + 6e6 * a_save.count());  // microseconds
  std::mt19937 random(7);
  std::int64_t last = 1;
  int in_the_middle = 0, moved = 0;
  for (int kill = 0; kill < kills; ++kill) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) save_for_ever(dir.path, last + 1);
    ::usleep(static_cast<useconds_t>(patience(random)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));  // it did not end by an error of its own

    in_the_middle += interrupted(dir.path);
    const auto steps = state::steps(dir.path);
    REQUIRE_FALSE(steps.empty());
    REQUIRE(steps.back() >= last);
    for (const std::int64_t step : steps)
      REQUIRE(test::load(dir.path, static_cast<double>(step), 2, step, numel) == test::both_fine);
    moved += steps.back() > last;
    last = steps.back();
  }
  INFO(in_the_middle << " of " << kills << " kills came in the middle of a save, " << moved
                     << " after new ones");
  CHECK(in_the_middle > kills / 8);
  CHECK(moved > kills / 8);
}
