#include <ashlar/nn/weight_gradient.hpp>

#include <ATen/ATen.h>

#include <ashlar/nn/parameter.hpp>

namespace ashlar::nn {

Tensor weight_gradient(const Tensor& g, const Tensor& x, const Tensor& self) {
  if (self.numel() == 0) return g.t().mm(x);
  auto& gradient = *static_cast<Gradient*>(self.data_ptr());
  if (!gradient.fresh) return g.t().mm(x);
  Tensor& window = *gradient.window;
  if (window.scalar_type() == g.scalar_type())
    at::mm_out(window, g.t(), x);
  else if (g.is_cuda() && window.scalar_type() == at::kFloat)
    at::mm_out(window, g.t(), x, at::kFloat);  // summed in float32, and not rounded on the way
  else
    window.copy_(g.t().mm(x));
  gradient.fresh = false;
  return {};
}

}  // namespace ashlar::nn
