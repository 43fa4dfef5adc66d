// What kernels are compared with: the same formula in float64, on the same rounded inputs.
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <array>
#include <vector>

#include "support/catch.hpp"

namespace ashlar::test {

// How far a value may be from the exact one: the rounding of the result, and of a few operations in float32.
inline double tolerance(at::ScalarType type) {
  return type == at::kBFloat16 ? 0x1p-8 : 2e-6;
}

inline void close(const at::Tensor& got, const at::Tensor& exact, double scale = 1) {
  REQUIRE(got.sizes() == exact.sizes());
  const at::Tensor wide = got.to(at::kCPU, at::kDouble), due = exact.to(at::kCPU, at::kDouble);
  const double eps = tolerance(got.scalar_type()) * scale;
  const double worst =
      ((wide - due).abs() / (eps * (due.abs() + due.abs().mean()) + 1e-30)).max().item<double>();
  INFO("worst error over tolerance " << worst);
  CHECK(worst <= 1);
}

inline at::Tensor on_gpu(const at::Tensor& x, at::ScalarType type) {
  return x.to(at::kCUDA, type).requires_grad_(true);
}

// As many numbers as wanted, none of them the same as its neighbours.
inline at::Tensor waves(at::IntArrayRef sizes, double rate) {
  return at::arange(c10::multiply_integers(sizes), at::kDouble).mul(rate).sin().mul(2).view(sizes);
}

// The outputs of f at `inputs`, and the inputs' gradients for upstream gradients that are different
// everywhere, and rounded to `type`.
struct Result {
  std::vector<at::Tensor> values, gradients;
};
inline std::vector<at::Tensor> listed(const at::Tensor& output) {
  return {output};
}
inline std::vector<at::Tensor> listed(const std::array<at::Tensor, 2>& outputs) {
  return {outputs.begin(), outputs.end()};
}
Result run(auto&& f, const std::vector<at::Tensor>& inputs, at::ScalarType type) {
  const std::vector<at::Tensor> values = listed(f(inputs));
  std::vector<at::Tensor> upstream;
  for (const at::Tensor& value : values) {
    const double rate = 0.37 + 0.1 * static_cast<double>(upstream.size());
    const at::Tensor wave = at::arange(value.numel(), at::kDouble).mul(rate).cos().view(value.sizes());
    upstream.push_back(wave.to(type).to(value.device(), value.scalar_type()));
  }
  return {values, torch::autograd::grad(values, inputs, upstream)};
}

// f on the GPU in `type`, twice: the results are close to those of `exact` in float64, and the same again.
void compare(auto&& f, auto&& exact, const std::vector<at::Tensor>& given, at::ScalarType type,
             double scale = 1) {
  std::vector<at::Tensor> inputs, wide;
  for (const at::Tensor& x : given) {
    inputs.push_back(on_gpu(x, type));
    wide.push_back(inputs.back().detach().to(at::kCPU, at::kDouble).requires_grad_(true));
  }
  const Result got = run(f, inputs, type), due = run(exact, wide, type), again = run(f, inputs, type);
  for (std::size_t i = 0; i < got.values.size(); ++i) {
    INFO("output " << i);
    close(got.values[i].detach(), due.values[i].detach(), scale);
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    INFO("gradient " << i);
    close(got.gradients[i], due.gradients[i], scale);
    CHECK(got.gradients[i].equal(again.gradients[i]));
  }
}

}  // namespace ashlar::test
