// JsonLines: the metrics of a run as a file, one JSON object a line, whole lines only, on disk as soon as
// written.
//
//   {"step":7,"loss":2.31,"gradient_norm":0.8,"learning_rate":0.001,"tokens_per_second":51200.0,
//    "bytes_in_use":432013312,"time":1767225600.125}
//
// Keys are Metrics' names; what was not measured is left out, and what is not a number (a NaN loss) is null.
// time: seconds since 1970, UTC.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>

#include <ashlar/report/metrics.hpp>

namespace ashlar::report {

// Only rank 0 has a file; on others nothing happens.
//   [ashlar.report.1]  cannot be written: no such directory, permission, full disk
//   [ashlar.report.2]  resuming, and the file holds something else than these lines; it is left as it is
class JsonLines {
 public:
  // A new run (next_step 0) starts the file anew. A resumed run appends, and first drops the lines of
  // next_step and later, which it will write again, and a last line that was cut off.
  explicit JsonLines(std::filesystem::path file, int rank = 0, std::int64_t next_step = 0);

  void write(const Metrics& metrics);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace ashlar::report
