// Parameter and Buffer: tensors that a model declares, with shapes the compiler knows.
//
// A model never owns memory. Each Parameter is a name for a tensor that somebody else lends it: a trainer lends a
// view into a unit's flat, Standalone lends a tensor of its own. So a model of any size costs nothing to construct,
// and its parameter counts are constants.
#pragma once

#include <array>
#include <cstddef>

#include <ashlar/tensor.hpp>

namespace ashlar::nn {

// How a parameter starts. `scale` is the standard deviation of `normal` and the bound of `uniform` (-scale, scale).
struct Init {
  enum class Kind { zeros, ones, normal, uniform };
  Kind kind = Kind::zeros;
  double scale = 0;
};

constexpr Init zeros() { return {Init::Kind::zeros, 0}; }
constexpr Init ones() { return {Init::Kind::ones, 0}; }
constexpr Init normal(double deviation) { return {Init::Kind::normal, deviation}; }
constexpr Init uniform(double bound) { return {Init::Kind::uniform, bound}; }

// A trained tensor of shape (dims...). `*p` is the whole tensor, valid while the unit it belongs to runs.
template <long... dims>
struct Parameter {
  static constexpr std::array<long, sizeof...(dims)> shape{dims...};
  static constexpr long numel = (1L * ... * dims);

  Init init{};
  const Tensor* tensor = nullptr;  // ND, shape; lent by whoever runs the model

  const Tensor& operator*() const { return *tensor; }
};

// A tensor that is kept and saved with the model but not trained: the same on every rank, never sharded.
template <long... dims>
struct Buffer {
  static constexpr std::array<long, sizeof...(dims)> shape{dims...};
  static constexpr long numel = (1L * ... * dims);

  Init init{};
  const Tensor* tensor = nullptr;  // ND, shape, float32

  const Tensor& operator*() const { return *tensor; }
};

}  // namespace ashlar::nn
