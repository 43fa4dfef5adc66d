// Linear: x W^T + b, the projection of every other layer.
#pragma once

#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/ops.hpp>
#include <ashlar/nn/parameter.hpp>
#include <ashlar/nn/square_root.hpp>

namespace ashlar::nn {

// Starts as torch::nn::Linear does, uniform in +-1/sqrt(in); or with weights as given and a bias of zero.
template <long in, long out, bool has_bias = true>
struct Linear {
  static constexpr long inputs = in, outputs = out;
  using Weight = Parameter<out, in>;
  using Bias = Parameter<out>;
  BOOST_HANA_DEFINE_STRUCT(Linear, (Weight, weight), (Bias, bias));

  constexpr Linear() { weight.init = bias.init = uniform(1 / square_root(in)); }
  constexpr explicit Linear(Init weights) { weight.init = weights; }

  constexpr auto forward(auto&, const auto& x) const {  // (..., in) -> (..., out)
    return ops::linear(x, weight, bias);
  }
};

template <long in, long out>
struct Linear<in, out, false> {
  static constexpr long inputs = in, outputs = out;
  using Weight = Parameter<out, in>;
  BOOST_HANA_DEFINE_STRUCT(Linear, (Weight, weight));

  constexpr Linear() { weight.init = uniform(1 / square_root(in)); }
  constexpr explicit Linear(Init weights) { weight.init = weights; }

  constexpr auto forward(auto&, const auto& x) const {  // (..., in) -> (..., out)
    return ops::linear(x, weight);
  }
};

}  // namespace ashlar::nn
