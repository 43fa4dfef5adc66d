// StepGraph: the work of a step on a GPU, captured as a CUDA graph on a stream of its own, and replayed.
#pragma once

#include <memory>
#include <utility>

namespace c10 {
struct Device;
}

namespace ashlar::cuda {

class StepGraph {
  struct State;

 public:
  explicit StepGraph(c10::Device device);
  ~StepGraph();

  // While there is one, work of this thread and of backward goes to the graph's stream, after what the
  // caller's stream held; afterwards the caller's stream waits for it.
  class [[nodiscard]] OnStream {
   public:
    explicit OnStream(StepGraph& graph);
    ~OnStream();
    OnStream(const OnStream&) = delete;
    OnStream& operator=(const OnStream&) = delete;

   private:
    struct Streams;
    std::unique_ptr<Streams> streams_;
  };

  // What body() launches on the stream does not run, but becomes the graph, in place of any before. Its
  // tensors take their memory from a pool of the graph's own. Throws train.10 if something cannot be
  // captured.
  template <class Body>
  void capture(Body&& body) {
    begin_capture();
    try {
      std::forward<Body>(body)();
    } catch (...) {
      refuse_capture();
    }
    end_capture();
  }

  void replay();  // on the current stream
  void drop();
  bool empty() const;

 private:
  void begin_capture();
  void end_capture();
  [[noreturn]] void refuse_capture();  // while an exception is handled

  std::unique_ptr<State> state_;
};

}  // namespace ashlar::cuda
