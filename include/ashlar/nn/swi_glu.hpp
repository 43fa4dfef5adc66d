// SwiGlu: Llama's feed-forward layer, a projection gated by another, without biases.
#pragma once

#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>

namespace ashlar::nn {

// Its second half: the product of silu(gate) and up, projected back.
template <long in, long out>
struct GatedLinear {
  static constexpr long inputs = in, outputs = out;
  using Weight = Parameter<out, in>;
  BOOST_HANA_DEFINE_STRUCT(GatedLinear, (Weight, weight));

  constexpr GatedLinear() { weight.init = uniform(1 / square_root(in)); }
  constexpr explicit GatedLinear(Init weights) { weight.init = weights; }

  constexpr auto forward(auto&, const auto& gate, const auto& up) const {  // (..., in) twice -> (..., out)
    return ops::gated_linear(gate, up, weight);
  }
};

template <long dim, long hidden>
struct SwiGlu {
  using Up = Linear<dim, hidden, false>;
  using Down = GatedLinear<hidden, dim>;
  BOOST_HANA_DEFINE_STRUCT(SwiGlu, (Up, gate), (Up, up), (Down, down));

  constexpr SwiGlu() = default;
  constexpr SwiGlu(Init inner, Init residual) : gate(inner), up(inner), down(residual) {}

  constexpr auto forward(auto& run, const auto& x) const {  // (..., dim) -> same
    const auto gates = run(gate, x);                        // (..., hidden)
    return run(down, gates, run(up, x));
  }
};

}  // namespace ashlar::nn
