// RandomState: the default generators' states, to save them and to run a forward again with the same random numbers.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace ashlar {

class RandomState {
 public:
  RandomState() = default;

  // The CPU generator's state, and the generator's of each CUDA device that a tensor of `inputs` lives on.
  static RandomState now(const std::vector<Tensor>& inputs);
  static RandomState now(c10::Device device);

  void restore() const;

  // Each generator's state as bytes, the CPU's first: 1D, uint8.
  std::vector<Tensor>& tensors() { return states_; }

  // Restores `state`, and on destruction what was there before.
  class Restored {
   public:
    explicit Restored(const RandomState& state);
    ~Restored() { before_.restore(); }
    Restored(const Restored&) = delete;
    Restored& operator=(const Restored&) = delete;

   private:
    RandomState before_;
  };

 private:
  std::vector<c10::Device> devices_;
  std::vector<Tensor> states_;  // by device
};

}  // namespace ashlar
