// Parameter and Buffer: tensors that a model declares, with shapes the compiler knows.
//
// A model never owns memory. Each Parameter is a name for a tensor that somebody else lends it: a trainer
// lends a view into a unit's flat, Standalone lends a tensor of its own. So a model of any size costs nothing
// to construct, and its parameter counts are constants.
#pragma once

#include <array>
#include <cstddef>

#include <ashlar/error.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar::nn {

// How a parameter starts. `scale` is the standard deviation of `normal` and the bound of `uniform` (-scale,
// scale).
struct Init {
  enum class Kind { zeros, ones, normal, uniform };
  Kind kind = Kind::zeros;
  double scale = 0;
};

constexpr Init zeros() {
  return {Init::Kind::zeros, 0};
}
constexpr Init ones() {
  return {Init::Kind::ones, 0};
}
constexpr Init normal(double deviation) {
  return {Init::Kind::normal, deviation};
}
constexpr Init uniform(double bound) {
  return {Init::Kind::uniform, bound};
}

// Where a parameter's gradient goes: a window of its unit's flat gradient. An operation that can compute a
// gradient straight into it does, and hands autograd nothing; what autograd accumulates is added when the
// unit's backward ends.
struct Gradient {
  Tensor* window = nullptr;  // ND, like the parameter, in the type of the reduction
  Tensor* self = nullptr;    // 1D, uint8: this object's own bytes, to save for backward
  Tensor* leaf = nullptr;    // the parameter
  bool fresh = true;         // nothing is in the window yet: write, do not add
};

// The tensor itself. One that nobody has lent, or whose unit has given its bytes back, says so when it is
// read.
const Tensor& lent(const Tensor* tensor);

// [ashlar.model.14]: what is said then.
Error read_while_sharded();

// A trained tensor. `*p` is the whole tensor, valid while the unit it belongs to runs.
struct AnyParameter {
  Init init{};
  const Tensor* tensor = nullptr;  // ND; lent by whoever runs the model
  Gradient* gradient = nullptr;    // null where autograd alone accumulates

  const Tensor& operator*() const { return lent(tensor); }
};

// One of shape (dims...).
template <long... dims>
struct Parameter : AnyParameter {
  static constexpr std::array<long, sizeof...(dims)> shape{dims...};
  static constexpr long numel = (1L * ... * dims);
};

// A tensor that is kept and saved with the model but not trained: each rank's own, never sharded, equal at
// the start.
template <long... dims>
struct Buffer {
  static constexpr std::array<long, sizeof...(dims)> shape{dims...};
  static constexpr long numel = (1L * ... * dims);

  Init init{};
  const Tensor* tensor = nullptr;  // ND, shape, float32

  const Tensor& operator*() const { return lent(tensor); }
};

}  // namespace ashlar::nn
