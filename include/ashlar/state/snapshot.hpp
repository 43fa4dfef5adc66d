// Snapshot: everything that a run needs to go on, as the engine hands it over. One rank's part, by reference.
//
// (Saved checkpoints live in `state`; `checkpoint` is the policy axis of recomputed activations.)
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <ashlar/tensor.hpp>

namespace ashlar::state {

struct Entry {
  std::string name;
  Tensor tensor;  // float64, float32, bfloat16, float16, int64, int32, uint8 or bool; any device, any strides
};

struct Snapshot {
  std::vector<Entry> tensors;  // this rank's: shards of parameters and optimizer state, random state as uint8

  // The same on every rank. Given on saving, filled in by loading; any text, JSON by custom: schedule, data
  // position.
  std::string meta;

  // What must be equal for the tensors to fit, as readable text: the Trainer's type and the model's shapes.
  // Given both on saving and on loading.
  std::string strategy;
  std::string model;
};

}  // namespace ashlar::state
