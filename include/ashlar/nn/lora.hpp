// Lora: a held Linear plus a trained correction of low rank, x W^T + scale x A^T B^T. Hu et al. 2021,
// arXiv:2106.09685.
//
// Only a and b have gradients and optimizer state: rank * (in + out) numbers instead of in * out. B starts at
// zero, so training starts from exactly the model that was held.
#pragma once

#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/nn/tied.hpp>

namespace ashlar::nn {

template <class Base, long rank>
struct Lora {
  using A = Parameter<rank, Base::inputs>;
  using B = Parameter<Base::outputs, rank>;
  BOOST_HANA_DEFINE_STRUCT(Lora, (Frozen<Base>, base), (A, a), (B, b));

  double scale = 1;

  constexpr Lora() { a.init = uniform(1 / square_root(Base::inputs)); }

  constexpr auto forward(auto& run, const auto& x) const {  // (..., in) -> (..., out)
    return run(base, x) + scale * ops::linear(ops::linear(x, a), b);
  }
};

}  // namespace ashlar::nn
