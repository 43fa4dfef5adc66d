#include <ashlar/nn/grouped_query_attention.hpp>

#include <ATen/ATen.h>

#include "nn/reference.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using reference::Weights;

TEST_CASE("GroupedQueryAttention is its formula") {
  using Layer = nn::GroupedQueryAttention<24, 4, 2>;
  reference::require_equal_layer<Layer>({2, 7, 24}, [](const Weights& w, const Tensor& x) {
    const Tensor query = reference::rope(x.matmul(w.at("query.weight").t()), 4, 10000);
    const Tensor key = reference::rope(x.matmul(w.at("key.weight").t()), 2, 10000);
    const Tensor value = x.matmul(w.at("value.weight").t());
    return reference::causal_attention(query, key, value, 4, 2).matmul(w.at("project.weight").t());
  });
}

}  // namespace
}  // namespace ashlar
