// Head: the projection to a vocabulary, without bias, and the loss of what it predicts.
#pragma once

#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/ops.hpp>
#include <ashlar/nn/parameter.hpp>

namespace ashlar::nn {

template <long dim, long vocabulary>
struct Head {
  using Weight = Parameter<vocabulary, dim>;
  BOOST_HANA_DEFINE_STRUCT(Head, (Weight, weight));

  constexpr Head() { weight.init = normal(0.02); }

  constexpr auto forward(auto&, const auto& x) const {  // (B, T, dim) -> (B, T, vocabulary)
    return ops::linear(x, weight);
  }
  constexpr auto forward(auto&, const auto& x, const auto& targets) const {  // (B, T, dim), (B, T) -> scalar
    return ops::linear_cross_entropy(x, weight, targets);
  }
};

}  // namespace ashlar::nn
