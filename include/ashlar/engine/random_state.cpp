#include <ashlar/engine/random_state.hpp>

#include <ATen/ATen.h>

#include <algorithm>
#include <mutex>

namespace ashlar {

namespace {

Tensor state_of(c10::Device device) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  const std::scoped_lock lock(generator.mutex());
  return generator.get_state();
}

}  // namespace

RandomState RandomState::now(c10::Device device) {
  RandomState state;
  state.devices_ = {c10::Device(c10::kCPU)};
  if (!device.is_cpu()) state.devices_.push_back(device);
  return state.again();
}

RandomState RandomState::now(const std::vector<Tensor>& inputs) {
  const auto on_device =
      std::ranges::find_if(inputs, [](const Tensor& t) { return t.defined() && !t.is_cpu(); });
  return now(on_device == inputs.end() ? c10::Device(c10::kCPU) : on_device->device());
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

}  // namespace ashlar
