// RmsNorm: each token's vector at root mean square 1, then a learned scale.
#pragma once

#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/ops.hpp>
#include <ashlar/nn/parameter.hpp>

namespace ashlar::nn {

template <long dim>
struct RmsNorm {
  BOOST_HANA_DEFINE_STRUCT(RmsNorm, (Parameter<dim>, weight));

  double epsilon = 1e-5;

  constexpr RmsNorm() { weight.init = ones(); }

  constexpr auto forward(auto&, const auto& x) const {  // (..., dim) -> same
    return ops::rms_norm(x, weight, epsilon);
  }

  // The addition to a residual stream and the norm after it: {x + delta, its norm}.
  constexpr auto forward(auto&, const auto& x, const auto& delta) const {  // (..., dim) -> two of them
    return ops::add_rms_norm(x, delta, weight, epsilon);
  }
};

}  // namespace ashlar::nn
