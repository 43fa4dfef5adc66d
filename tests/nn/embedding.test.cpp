#include <ashlar/nn/embedding.hpp>

#include <ATen/ATen.h>

#include "nn/reference.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

TEST_CASE("Embedding picks rows, and only they get gradients") {
  const Standalone<nn::Embedding<5, 3>> layer(1);
  const Tensor& weight = layer.parameters()[0].tensor;
  const Tensor picked = layer.forward(at::tensor({4L, 1L, 4L}));
  CHECK(at::equal(picked, weight.index({at::tensor({4L, 1L, 4L})})));
  picked.sum().backward();
  CHECK(at::equal(weight.grad().select(1, 0), at::tensor({0.F, 1.F, 0.F, 0.F, 2.F})));
}

}  // namespace
}  // namespace ashlar
