// Runs this test program again as other processes, for what ends a process.
//
// A test that uses it has a main of its own: with ASHLAR_PROBE set it is one of those processes and does what
// the variable names; without, it runs Catch.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/catch.hpp"

namespace ashlar::test {

struct Outcome {
  int code;
  double seconds;
  std::string output;  // standard output and error

  std::ptrdiff_t count(std::string_view words) const {
    std::ptrdiff_t n = 0;
    for (auto at = output.find(words); at != std::string::npos; at = output.find(words, at + 1)) ++n;
    return n;
  }
};

inline Outcome run(const std::string& command) {
  const auto start = std::chrono::steady_clock::now();
  std::FILE* pipe = popen(("{ " + command + " ; } 2>&1").c_str(), "r");
  std::string output;
  char block[4096];
  while (const std::size_t n = std::fread(block, 1, sizeof block, pipe)) output.append(block, n);
  const int status = pclose(pipe);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), took.count(), output};
}

inline constexpr int timed_out = 124;  // the exit code of `timeout`

// Says SKIP if so.
inline bool mpirun_missing() {
  if (run("mpirun --version").code == 0) return false;
  WARN("SKIP: there is no mpirun on the PATH");
  return true;
}

// The shell command that runs this program as `probe`, behind `launcher` and its environment.
inline std::string probe(const std::string& name, const std::string& launcher = "") {
  char path[4096] = "";
  const auto length = readlink("/proc/self/exe", path, sizeof path - 1);
  return "ASHLAR_PROBE=" + name + " " + launcher + " '" +
         std::string(path, static_cast<std::size_t>(length)) + "'";
}

// Ranks 0 to world - 1 side by side, found by a hand-made launch. Each one's exit code is a line "code <rank>
// <code>".
inline std::string side_by_side(const std::string& name, int world, int port, int started = -1) {
  std::string command;
  for (int r = 0; r < (started < 0 ? world : started); ++r) {
    const auto rank = std::to_string(r);
    command += "{ RANK=" + rank + " LOCAL_RANK=" + rank + " WORLD_SIZE=" + std::to_string(world) +
               " LOCAL_WORLD_SIZE=" + std::to_string(world) +
               " MASTER_ADDR=127.0.0.1 MASTER_PORT=" + std::to_string(port) + " " + probe(name) +
               "; echo code " + rank + " $?; } & ";
  }
  return command + "wait";
}

// A port that was free a moment ago.
inline int free_port() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  bind(listener, reinterpret_cast<sockaddr*>(&address), length);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  close(listener);
  return ntohs(address.sin_port);
}

}  // namespace ashlar::test
