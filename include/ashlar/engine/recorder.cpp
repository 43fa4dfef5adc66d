#include <ashlar/engine/recorder.hpp>

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <chrono>

#ifdef ASHLAR_WITH_CUDA
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#endif

#include <ashlar/error.hpp>

namespace ashlar {

namespace {

using Lane = report::Lane;

std::string named(const Name& unit, std::string_view doing) {
  return std::string(unit.size > 0 ? unit.view() : "root") + " " + std::string(doing);
}

#ifdef ASHLAR_WITH_CUDA
void check(cudaError_t code, const char* call) {
  if (code != cudaSuccess)
    throw Error("trace.1", std::string(call) + " to succeed", cudaGetErrorString(code),
                "look at the first error of any rank; CUDA_LAUNCH_BLOCKING=1 finds the kernel");
}
#endif

}  // namespace

struct Recorder::Moment {
  std::chrono::steady_clock::time_point time{};  // on a CPU
#ifdef ASHLAR_WITH_CUDA
  cudaEvent_t event = nullptr;
#endif
};

Recorder::Recorder(c10::Device device) : device_(device) {
  if (device.is_cpu()) return;
  for (auto& stream : beside_)
    stream = c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device, true);
}

Recorder::~Recorder() {
#ifdef ASHLAR_WITH_CUDA
  for (const Moment& moment : moments_)
    if (moment.event != nullptr) cudaEventDestroy(moment.event);
#endif
}

void Recorder::begin(Lane lane, const Name& unit, std::string_view doing) {
  pause();
  doing_.push_back({lane, named(unit, doing)});
  resume();
}

void Recorder::end() {
  pause();
  doing_.pop_back();
  resume();
}

void Recorder::join() {
  for (std::size_t i = 0; i < beside_.size(); ++i) {
    if (!used_[i]) continue;
    c10::Event passed(device_.type());
    passed.record(*beside_[i]);
    passed.block(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
  }
}

// A captured stream passes an event once a replay only if the graph is told that somebody outside looks at
// it.
int Recorder::mark() {
  Moment& moment = moments_.emplace_back();
  if (device_.is_cpu()) moment.time = std::chrono::steady_clock::now();
#ifdef ASHLAR_WITH_CUDA
  if (device_.is_cuda()) {
    check(cudaEventCreate(&moment.event), "cudaEventCreate");
    const cudaStream_t stream = c10::cuda::getCurrentCUDAStream(device_.index());
    auto status = cudaStreamCaptureStatusNone;
    check(cudaStreamIsCapturing(stream, &status), "cudaStreamIsCapturing");
    const bool captured = status == cudaStreamCaptureStatusActive;
    check(cudaEventRecordWithFlags(moment.event, stream,
                                   captured ? cudaEventRecordExternal : cudaEventRecordDefault),
          "cudaEventRecordWithFlags");
  }
#endif
  return static_cast<int>(moments_.size()) - 1;
}

void Recorder::pause() {
  if (since_ < 0) return;
  slices_.push_back({doing_.back().lane, doing_.back().name, since_, mark(), 0});
  since_ = -1;
}

void Recorder::resume() {
  if (!doing_.empty()) since_ = mark();
}

void Recorder::note_collective(Lane lane, const Name& unit, std::string_view kind, std::size_t bytes,
                               int from, int to) {
  slices_.push_back({lane, named(unit, kind), from, to, bytes});
  used_[lane == Lane::sums] = !device_.is_cpu();
}

report::Timeline Recorder::timeline() const {
  std::vector<double> times;  // microseconds
  for (const Moment& moment : moments_) {
    double time = std::chrono::duration<double, std::micro>(moment.time - moments_[0].time).count();
#ifdef ASHLAR_WITH_CUDA
    if (device_.is_cuda()) {
      float milliseconds = 0;
      check(cudaEventSynchronize(moment.event), "cudaEventSynchronize");
      check(cudaEventElapsedTime(&milliseconds, moments_[0].event, moment.event), "cudaEventElapsedTime");
      time = 1e3 * static_cast<double>(milliseconds);
    }
#endif
    times.push_back(time);
  }
  const auto at = [&](int mark) { return times[static_cast<std::size_t>(mark)]; };

  // A collective begins when it was called, or when the one before it in its lane is over.
  report::Timeline made{.slices = {}, .met = at(met_)};
  std::array<double, report::lanes> free{};
  for (const Marked& slice : slices_) {
    double& before = free[static_cast<std::size_t>(slice.lane)];
    const double begin = std::max(at(slice.from), before), end = std::max(begin, at(slice.to));
    made.slices.push_back({slice.lane, slice.name, begin, end, static_cast<long>(slice.bytes)});
    before = end;
  }
  return made;
}

}  // namespace ashlar
