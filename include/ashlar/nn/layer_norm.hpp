// LayerNorm: each token's vector at mean 0 and variance 1, then a learned scale and shift.
#pragma once

#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/ops.hpp>
#include <ashlar/nn/parameter.hpp>

namespace ashlar::nn {

template <long dim>
struct LayerNorm {
  BOOST_HANA_DEFINE_STRUCT(LayerNorm, (Parameter<dim>, weight), (Parameter<dim>, bias));

  double epsilon = 1e-5;

  constexpr LayerNorm() { weight.init = ones(); }

  constexpr auto forward(auto&, const auto& x) const {  // (..., dim) -> same
    return ops::layer_norm(x, weight, bias, epsilon);
  }

  // The addition to a residual stream and the norm after it: {x + delta, its norm}.
  constexpr auto forward(auto&, const auto& x, const auto& delta) const {  // (..., dim) -> two of them
    return ops::add_layer_norm(x, delta, weight, bias, epsilon);
  }
};

}  // namespace ashlar::nn
