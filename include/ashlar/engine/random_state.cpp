#include <ashlar/engine/random_state.hpp>

#include <ATen/ATen.h>

#include <algorithm>
#include <mutex>
#include <utility>
#ifdef ASHLAR_WITH_CUDA
#include <c10/cuda/CUDAGraphsC10Utils.h>
#endif

namespace ashlar {

namespace {

Tensor state_of(c10::Device device) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  const std::scoped_lock lock(generator.mutex());
  return generator.get_state();
}

bool capturing() {
#ifdef ASHLAR_WITH_CUDA
  return c10::cuda::currentStreamCaptureStatusMayInitCtx() != c10::cuda::CaptureStatus::None;
#else
  return false;
#endif
}

// The CPU, and `device` if it is another.
std::vector<c10::Device> generators(c10::Device device) {
  if (device.is_cpu() || capturing()) return {c10::Device(c10::kCPU)};
  return {c10::Device(c10::kCPU), device};
}

c10::Device device_of(const std::vector<Tensor>& inputs) {
  const auto on_device =
      std::ranges::find_if(inputs, [](const Tensor& t) { return t.defined() && !t.is_cpu(); });
  return on_device == inputs.end() ? c10::Device(c10::kCPU) : on_device->device();
}

}  // namespace

RandomState::RandomState(const std::vector<Tensor>& inputs, std::vector<Tensor> states)
    : devices_(generators(device_of(inputs))), states_(std::move(states)) {}

RandomState RandomState::now(c10::Device device) {
  RandomState state;
  state.devices_ = generators(device);
  return state.again();
}

RandomState RandomState::now(const std::vector<Tensor>& inputs) {
  return now(device_of(inputs));
}

void RandomState::restore() const {
  for (size_t i = 0; i < devices_.size(); ++i) {
    at::Generator generator = at::globalContext().defaultGenerator(devices_[i]);
    const std::scoped_lock lock(generator.mutex());
    generator.set_state(states_[i]);
  }
}

RandomState RandomState::again() const {
  RandomState state;
  state.devices_ = devices_;
  for (const c10::Device each : devices_) state.states_.push_back(state_of(each));
  return state;
}

bool RandomState::operator==(const RandomState& other) const {
  return devices_ == other.devices_ &&
         std::ranges::equal(states_, other.states_,
                            [](const Tensor& a, const Tensor& b) { return a.equal(b); });
}

}  // namespace ashlar
