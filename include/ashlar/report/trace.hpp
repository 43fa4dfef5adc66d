// Trace: what one rank did in one step and when, as a file for a timeline viewer, and as four numbers.
#pragma once

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::report {

enum class Lane {
  compute,    // forward and backward
  gathers,    // collectives that make parameters whole
  sums,       // collectives that add up gradients, losses and norms
  optimizer,  // gradient norm and update
};
inline constexpr int lanes = 4;

struct Slice {
  Lane lane = Lane::compute;
  std::string name;           // of a unit, and what is done with it: "layers.3 backward"
  double begin = 0, end = 0;  // microseconds since the first slice of its rank began
  long bytes = 0;             // of a collective: what all ranks hold, as comm::Call counts it
};

// One rank's step. Ranks have no common clock, so `met` is when the step's last sum was over, which is the
// same moment on all of them.
struct Timeline {
  std::vector<Slice> slices;
  double met = 0;  // microseconds, as in slices
};

std::string to_text(const Timeline& timeline);
Timeline timeline_of(std::string_view text);

// What a step took, in milliseconds. Collectives that overlap one another count once, and so do the lanes
// that compute. What is in flight while this rank computes is hidden.
struct Summary {
  double step = 0;           // from the first slice to the last
  double compute = 0;        // compute and optimizer
  double communication = 0;  // gathers and sums, waiting for other ranks included
  double hidden = 0;         // of communication

  // Of communication; 1 without any.
  double hidden_fraction() const { return communication > 0 ? hidden / communication : 1; }
};

Summary summarize(const std::vector<Slice>& slices);

// step 254.5 ms: 240.1 ms of compute, 80.2 ms of communication, of which 93.1 % hidden
std::string describe(const Summary& summary);

// A file in the Trace Event Format, which Perfetto (ui.perfetto.dev) and chrome://tracing show: a process a
// rank, a thread a lane. Made by rank 0 alone; elsewhere nothing happens.
//   [ashlar.report.3]  cannot be written: no such directory, permission, full disk
class TraceFile {
 public:
  // Makes an empty file, so that it shows at once whether it can be written.
  explicit TraceFile(std::filesystem::path file, int rank = 0);

  // `ranks`: one timeline a rank, moved so that all met at the same time. `summary` stands beside them.
  void write(std::vector<Timeline> ranks, const Summary& summary);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace ashlar::report
