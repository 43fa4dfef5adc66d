#include <ashlar/optim/sgd.hpp>

#include <ATen/ATen.h>

namespace ashlar::optim {

void Sgd::update(const Tensor& master, const Tensor& grad, std::span<const Tensor> state, double rate,
                 bool decays, long step) const {
  const auto velocity = momentum == 0 ? at::TensorList() : at::TensorList(state[0]);  // as it insists on
  at::_fused_sgd_({master}, {grad}, velocity, decays ? weight_decay : 0.0, momentum, rate,
                  /*dampening=*/0.0, nesterov, /*maximize=*/false, /*is_first_step=*/step == 1);
}

}  // namespace ashlar::optim
