#include <ashlar/nn/swi_glu.hpp>

#include <ATen/ATen.h>

#include "nn/reference.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using reference::Weights;

TEST_CASE("SwiGlu is its formula") {
  reference::require_equal_layer<nn::SwiGlu<6, 11>>({2, 5, 6}, [](const Weights& w, const Tensor& x) {
    const Tensor gate = x.matmul(w.at("gate.weight").t()), up = x.matmul(w.at("up.weight").t());
    return reference::silu_mul(gate, up).matmul(w.at("down.weight").t());
  });
}

}  // namespace
}  // namespace ashlar
