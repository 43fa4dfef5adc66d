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
};

}  // namespace ashlar::nn
