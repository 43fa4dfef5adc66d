#include <ashlar/nn/rms_norm.hpp>

#include <ATen/ATen.h>

#include "nn/reference.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using reference::Weights;

TEST_CASE("RmsNorm is its formula, with its own epsilon") {
  reference::require_equal_layer<nn::RmsNorm<33>>(
      {2, 3, 33}, [](const Weights& w, const Tensor& x) { return reference::rms_norm(x, w.at("weight")); });
  nn::RmsNorm<5> coarse;
  coarse.epsilon = 3;
  const Standalone<nn::RmsNorm<5>> layer(1, {}, coarse);
  const Tensor x = reference::random({2, 5}, 1);
  CHECK(reference::distance(layer.forward(x), reference::rms_norm(x, at::ones({5}), 3)) <
        reference::float32_tolerance);
}

}  // namespace
}  // namespace ashlar
