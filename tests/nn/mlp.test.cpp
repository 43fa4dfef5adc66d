#include <ashlar/nn/mlp.hpp>

#include <ATen/ATen.h>

#include "nn/reference.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using reference::Weights;

TEST_CASE("Mlp is its formula") {
  reference::require_equal_layer<nn::Mlp<6, 11>>({2, 5, 6}, [](const Weights& w, const Tensor& x) {
    const Tensor up = reference::gelu(x.matmul(w.at("up.weight").t()) + w.at("up.bias"));
    return up.matmul(w.at("down.weight").t()) + w.at("down.bias");
  });
}

}  // namespace
}  // namespace ashlar
