// Recorder: marks on a rank's streams, from which its timeline of one step is made.
//
// On a GPU a mark is an event that the stream passes, also when it is captured and replayed as a CUDA graph;
// on a CPU it is the time. Collectives show when a stream of their own could wait for them. On a CPU they are
// waited for at once, so one that would overlap does not while it is recorded.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/StreamGuard.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ashlar/model/visit.hpp>
#include <ashlar/report/trace.hpp>

namespace ashlar {

class Recorder {
 public:
  using Lane = report::Lane;

  explicit Recorder(c10::Device device);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // What this rank computes from now on, until end(). What is begun inside stands in its place until then.
  void begin(Lane lane, const Name& unit, std::string_view doing);
  void end();

  // What start() returns: the Work of a collective. Not counted as computing.
  template <class Start>
  auto collective(Lane lane, const Name& unit, std::string_view kind, std::size_t bytes, Start&& start) {
    pause();
    const int from = mark();
    auto work = std::forward<Start>(start)();
    const int to = [&] {
      c10::OptionalStreamGuard beside(beside_[lane == Lane::sums]);
      work.wait();
      return mark();
    }();
    note_collective(lane, unit, kind, bytes, from, to);
    resume();
    return work;
  }

  // Waits for a Work, and does not count it as computing.
  void wait(auto& work) {
    pause();
    work.wait();
    resume();
  }

  // The last collective ends at the same moment on all ranks.
  void meet() { met_ = slices_.back().to; }

  // After the last mark, and before the end of what is captured: the streams beside are waited for.
  void join();

  // Waits for the device.
  report::Timeline timeline() const;

 private:
  struct Moment;
  struct Marked {
    Lane lane;
    std::string name;
    int from, to;
    std::size_t bytes;
  };
  struct Doing {
    Lane lane;
    std::string name;
  };

  int mark();
  void pause();  // what is computed
  void resume();
  void note_collective(Lane lane, const Name& unit, std::string_view kind, std::size_t bytes, int from,
                       int to);

  c10::Device device_;
  std::vector<Moment> moments_;
  std::vector<Marked> slices_;
  std::vector<Doing> doing_;
  int since_ = -1;  // the mark at which the computing under way began; -1 while it pauses
  int met_ = 0;
  std::array<std::optional<c10::Stream>, 2> beside_;  // gathers, sums: on which collectives are waited for
  std::array<bool, 2> used_{};
};

}  // namespace ashlar
