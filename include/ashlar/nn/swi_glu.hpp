// SwiGlu: Llama's feed-forward layer, a projection gated by another, without biases.
#pragma once

#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>

namespace ashlar::nn {

template <long dim, long hidden>
struct SwiGlu {
  using Up = Linear<dim, hidden, false>;
  using Down = Linear<hidden, dim, false>;
  BOOST_HANA_DEFINE_STRUCT(SwiGlu, (Up, gate), (Up, up), (Down, down));

  constexpr SwiGlu() = default;
  constexpr SwiGlu(Init inner, Init residual) : gate(inner), up(inner), down(residual) {}

  constexpr auto forward(auto& run, const auto& x) const {  // (..., dim) -> same
    const auto gates = run(gate, x);                        // (..., hidden)
    return run(down, ops::silu_mul(gates, run(up, x)));
  }
};

}  // namespace ashlar::nn
