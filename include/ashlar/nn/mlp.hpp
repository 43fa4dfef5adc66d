// Mlp: GPT-2's feed-forward layer, two projections around a GELU.
#pragma once

#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>

namespace ashlar::nn {

template <long dim, long hidden = 4 * dim>
struct Mlp {
  using Up = Linear<dim, hidden>;
  using Down = Linear<hidden, dim>;
  BOOST_HANA_DEFINE_STRUCT(Mlp, (Up, up), (Down, down));

  constexpr Mlp() = default;
  constexpr Mlp(Init inner, Init residual) : up(inner), down(residual) {}

  constexpr auto forward(auto& run, const auto& x) const {  // (..., dim) -> same
    return run(down, ops::gelu(run(up, x)));
  }
};

}  // namespace ashlar::nn
