#include <ashlar/optim/adamw.hpp>

#include <ATen/ATen.h>

namespace ashlar::optim {

void AdamW::update(const Tensor& master, const Tensor& grad, std::span<const Tensor> state, double rate,
                   bool decays, long step) const {
  const Tensor steps = at::full({}, static_cast<double>(step), at::TensorOptions().device(master.device()));
  at::_fused_adamw_({master}, {grad}, {state[0]}, {state[1]}, {}, {steps}, rate, beta1, beta2,
                    decays ? weight_decay : 0.0, epsilon, /*amsgrad=*/false, /*maximize=*/false);
}

}  // namespace ashlar::optim
