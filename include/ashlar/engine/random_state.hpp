// RandomState: the default generators' states, to save them and to run a forward again with the same random
// numbers.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include <ashlar/tensor.hpp>

namespace ashlar {

class RandomState {
 public:
  RandomState() = default;

  // The state of now(inputs) then, from its tensors().
  RandomState(const std::vector<Tensor>& inputs, std::vector<Tensor> states);

  // The CPU generator's state, and the generator's of each CUDA device that a tensor of `inputs` lives on.
  // While a CUDA graph is captured the CPU's alone: what draws random numbers on a GPU is not captured.
  static RandomState now(const std::vector<Tensor>& inputs);
  static RandomState now(c10::Device device);

  void restore() const;

  // The present states of the same generators.
  RandomState again() const;

  bool operator==(const RandomState& other) const;

  // Each generator's state as bytes, the CPU's first: 1D, uint8.
  std::vector<Tensor>& tensors() { return states_; }

 private:
  std::vector<c10::Device> devices_;
  std::vector<Tensor> states_;  // by device
};

// Restores a state, and on destruction what was there before.
class RandomStateGuard {
 public:
  explicit RandomStateGuard(const RandomState& state) : before_(state.again()) { state.restore(); }
  ~RandomStateGuard() { before_.restore(); }
  RandomStateGuard(const RandomStateGuard&) = delete;
  RandomStateGuard& operator=(const RandomStateGuard&) = delete;

 private:
  RandomState before_;
};

}  // namespace ashlar
