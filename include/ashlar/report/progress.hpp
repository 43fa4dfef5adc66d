// Progress: one line a person can watch. On a terminal it is rewritten in place; in a file or a pipe it is a
// plain line every few seconds, without control characters.
//
//   step 1200/5000  loss 1.9432  51.2k tokens/s  3 min 12 s left  412 MiB a rank
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include <ashlar/report/metrics.hpp>

namespace ashlar::report {

// The line itself; absent numbers are left out.
std::string progress_line(const Metrics& metrics, std::int64_t total_steps,
                          std::optional<double> seconds_left);

// Only rank 0 prints. A terminal is one that `to` is connected to, that has a width and that is not
// TERM=dumb; colour is used there only, and not where NO_COLOR is set (no-color.org). Behind mpirun, whose
// terminals have no width, ASHLAR_COLUMNS says that a person watches one of so many columns.
class Progress {
 public:
  explicit Progress(std::int64_t total_steps, int rank = 0, std::FILE* to = stdout,
                    std::chrono::duration<double> between_plain_lines = std::chrono::seconds(5));
  ~Progress();  // ends the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // After each step. The first and the last step are always shown; the time left is that of the steps since
  // the first.
  void step(const Metrics& metrics);

  // A line of its own, above the progress: a validation loss, a saved checkpoint.
  void say(std::string_view line);

 private:
  using Clock = std::chrono::steady_clock;
  void show(const std::string& line);
  std::optional<double> seconds_left(std::int64_t step) const;

  std::int64_t total_;
  std::FILE* to_;  // null on ranks that do not print
  bool terminal_;
  bool colour_;
  std::chrono::duration<double> between_;
  std::int64_t first_step_ = -1;
  Clock::time_point began_, shown_;
  std::string line_;  // on the terminal now
};

}  // namespace ashlar::report
