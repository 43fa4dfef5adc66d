#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>

#include <map>
#include <optional>

#include <ashlar/error.hpp>
#include <ashlar/kernels/memsets.hpp>
#include <ashlar/kernels/step_graph.hpp>

namespace ashlar::cuda {
namespace {

[[noreturn]] void cannot_capture(const c10::Error& error) {
  throw Error("train.10", "a step that can be captured as a CUDA graph", error.what_without_backtrace(),
              "leave out of it what waits for the GPU, such as item(), or write replay::None");
}

}  // namespace

struct StepGraph::State {
  c10::cuda::CUDAStream stream;
  std::optional<at::cuda::CUDAGraph> graph;
};

struct StepGraph::OnStream::Streams {
  c10::cuda::CUDAStream before, own;
  c10::cuda::CUDAStreamGuard guard{own};

  static void wait(c10::cuda::CUDAStream late, c10::cuda::CUDAStream early) {
    at::cuda::CUDAEvent event;
    event.record(early);
    event.block(late);
  }
};

namespace {

// One for all trainers on a device: cuBLAS keeps a workspace for every stream that it has seen.
c10::cuda::CUDAStream stream_on(c10::Device device) {
  static std::map<c10::DeviceIndex, c10::cuda::CUDAStream> streams;
  const auto found = streams.find(device.index());
  if (found != streams.end()) return found->second;
  return streams
      .emplace(device.index(), c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index()))
      .first->second;
}

}  // namespace

StepGraph::StepGraph(c10::Device device) : state_(new State{stream_on(device), {}}) {}
StepGraph::~StepGraph() = default;

StepGraph::OnStream::OnStream(StepGraph& graph) {
  const auto own = graph.state_->stream;
  const auto before = c10::cuda::getCurrentCUDAStream(own.device_index());
  Streams::wait(own, before);
  streams_.reset(new Streams{before, own});
}
StepGraph::OnStream::~OnStream() {
  const auto before = streams_->before, own = streams_->own;
  streams_.reset();
  try {
    Streams::wait(before, own);
  } catch (const c10::Error&) {  // the GPU has failed, and the exception that unwinds says so
  }
}

void StepGraph::begin_capture() {
  state_->graph.reset();
  c10::cuda::CUDACachingAllocator::emptyCache();  // of what eager steps took: the pool takes as much again
  state_->graph.emplace(/*keep_graph=*/true);
  state_->graph->capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
}

void StepGraph::end_capture() {
  try {
    state_->graph->capture_end();
    memsets_to_kernels(state_->graph->raw_cuda_graph());
    state_->graph->instantiate();
  } catch (const c10::Error& error) {
    state_->graph.reset();
    cannot_capture(error);
  }
}

void StepGraph::refuse_capture() {
  try {
    state_->graph->capture_end();
  } catch (const c10::Error&) {  // because of what is handled
  }
  state_->graph.reset();
  try {
    throw;
  } catch (const c10::Error& error) {
    cannot_capture(error);
  }
}

void StepGraph::replay() {
  state_->graph->replay();
}

void StepGraph::drop() {
  state_->graph.reset();
}

bool StepGraph::empty() const {
  return !state_->graph;
}

}  // namespace ashlar::cuda
