#include <ashlar/nn/causal_self_attention.hpp>

#include <ATen/ATen.h>

#include "nn/reference.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using reference::Weights;

TEST_CASE("CausalSelfAttention is its formula") {
  reference::require_equal_layer<nn::CausalSelfAttention<15, 3>>(
      {2, 7, 15}, [](const Weights& w, const Tensor& x) {
        const Tensor all = x.matmul(w.at("query_key_value.weight").t()) + w.at("query_key_value.bias");
        const Tensor mixed = reference::causal_attention(all.slice(-1, 0, 15), all.slice(-1, 15, 30),
                                                         all.slice(-1, 30, 45), 3, 3);
        return mixed.matmul(w.at("project.weight").t()) + w.at("project.bias");
      });
}

}  // namespace
}  // namespace ashlar
