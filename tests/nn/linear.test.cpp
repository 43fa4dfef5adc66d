#include <ashlar/nn/linear.hpp>

#include <ATen/ATen.h>

#include "nn/reference.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using reference::Weights;

TEST_CASE("Linear is x W^T + b") {
  reference::require_equal_layer<nn::Linear<7, 3>>({2, 5, 7}, [](const Weights& w, const Tensor& x) {
    return x.matmul(w.at("weight").t()) + w.at("bias");
  });
  reference::require_equal_layer<nn::Linear<7, 3, false>>(
      {5, 7}, [](const Weights& w, const Tensor& x) { return x.matmul(w.at("weight").t()); });
  reference::require_equal_layer<nn::Linear<1, 1>>(
      {1, 1}, [](const Weights& w, const Tensor& x) { return x * w.at("weight") + w.at("bias"); });
}

TEST_CASE("Linear starts as torch::nn::Linear does") {
  const Standalone<nn::Linear<100, 50>> layer(1);
  for (const NamedTensor& p : layer.parameters()) {
    CHECK(p.tensor.abs().max().item<double>() <= 0.1);
    CHECK(p.tensor.abs().max().item<double>() > 0.09);
  }
}

}  // namespace
}  // namespace ashlar
