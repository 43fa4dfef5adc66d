#include <ashlar/optim/adamw.hpp>

#include <ATen/ATen.h>

#include <ashlar/kernels/ops.hpp>
#include <ashlar/kernels/optim.hpp>

namespace ashlar::optim {

void AdamW::update(const Tensor& master, const Tensor& grad, std::span<const Tensor> state, double rate,
                   bool decays, long step) const {
  const Tensor steps = at::full({}, static_cast<double>(step), at::TensorOptions().device(master.device()));
  at::_fused_adamw_({master}, {grad}, {state[0]}, {state[1]}, {}, {steps}, rate, beta1, beta2,
                    decays ? weight_decay : 0.0, epsilon, /*amsgrad=*/false, /*maximize=*/false);
}

bool AdamW::fuses(const Tensor& master) {
  if constexpr (cuda::has_kernels)
    return master.is_cuda() && (master.scalar_type() == at::kFloat || master.scalar_type() == at::kShort);
  else
    return false;
}

void AdamW::update_fused(const Tensor& master, const Tensor& grad, std::span<const Tensor> state,
                         const Tensor& compute, const Tensor& now, bool decays) const {
  if constexpr (cuda::has_kernels) cuda::adamw(*this, master, grad, state, compute, now, decays);
}

}  // namespace ashlar::optim
