// Embedding: a learned vector for each of `count` ids.
#pragma once

#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/ops.hpp>
#include <ashlar/nn/parameter.hpp>

namespace ashlar::nn {

// `Tag` tells apart two of one shape, where one is nn::Tied to another module.
template <long count, long dim, class Tag = void>
struct Embedding {
  using Weight = Parameter<count, dim>;
  BOOST_HANA_DEFINE_STRUCT(Embedding, (Weight, weight));

  constexpr Embedding() { weight.init = normal(1); }  // as torch::nn::Embedding
  constexpr explicit Embedding(Init weights) { weight.init = weights; }

  constexpr auto forward(auto&, const auto& ids) const {  // (...), int64 -> (..., dim)
    return ops::embedding(ids, weight);
  }
};

}  // namespace ashlar::nn
