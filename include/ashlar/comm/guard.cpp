#include <ashlar/comm/guard.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <thread>

#include <c10/util/Exception.h>

namespace ashlar::comm::detail {
namespace {

std::optional<World>& world() {
  static std::optional<World> joined;
  return joined;
}

// This process's rank before it has joined a world; -1 when it is alone. Lenient: the environment may be what
// is wrong.
int rank_in_environment() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "RANK", "SLURM_PROCID"})
    if (const char* value = std::getenv(name); value && *value) return std::atoi(value);
  return -1;
}

// One write, so that sentences of several ranks do not mix.
void print(int rank, const std::string& sentence) {
  if (sentence.empty()) return;
  const std::string line = (rank >= 0 ? "rank " + std::to_string(rank) + ": " : "") + sentence + "\n";
  std::fflush(stdout);
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

std::string sentence_in_flight() {
  try {
    throw;
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace

void join(World joined) {
  world() = joined;
}

int fail(int code) {
  return fail(code, sentence_in_flight());
}

int fail(int code, std::string_view view) {
  const std::string sentence(view);
  if (!world()) {
    const int rank = rank_in_environment();
    // Launchers end all processes when the first one fails, so rank 0 speaks for all if all fail here.
    if (rank > 0) std::this_thread::sleep_for(std::chrono::seconds(5));
    print(rank > 0 ? rank : -1, sentence);
    return code;
  }
  const auto [everyone, prints] = world()->agree(sentence);
  if (prints) print(everyone && world()->rank == 0 ? -1 : world()->rank, sentence);
  if (!everyone) world()->end(code);
  return code;
}

}  // namespace ashlar::comm::detail
