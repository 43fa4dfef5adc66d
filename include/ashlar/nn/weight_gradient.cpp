#include <ashlar/nn/weight_gradient.hpp>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/graph_task.h>
#include <torch/csrc/autograd/variable.h>

#include <ashlar/nn/parameter.hpp>

namespace ashlar::nn {

namespace {

// Whether a user has a hook on what autograd would hand to a leaf, or on what accumulates there.
bool hooked(const Tensor& leaf) {
  if (!torch::autograd::impl::hooks(leaf).empty()) return true;
  const auto accumulator = torch::autograd::impl::try_get_grad_accumulator(leaf);
  return accumulator && !(accumulator->pre_hooks().empty() && accumulator->post_hooks().empty());
}

}  // namespace

bool leads_to_every_leaf() {
  const auto* asked_for = torch::autograd::get_current_graph_task_exec_info();
  return (asked_for == nullptr || asked_for->empty()) && !at::GradMode::is_enabled();
}

Gradient* writable(const Tensor& self) {
  if (self.numel() == 0) return nullptr;
  auto* gradient = static_cast<Gradient*>(self.data_ptr());
  if (!gradient->fresh || !leads_to_every_leaf()) return nullptr;
  return gradient->leaf != nullptr && hooked(*gradient->leaf) ? nullptr : gradient;
}

Tensor weight_gradient(const Tensor& g, const Tensor& x, const Tensor& self) {
  Gradient* gradient = writable(self);
  if (gradient == nullptr) return g.t().mm(x);
  Tensor& window = *gradient->window;
  if (window.scalar_type() == g.scalar_type())
    at::mm_out(window, g.t(), x);
  else if (g.is_cuda() && window.scalar_type() == at::kFloat)
    at::mm_out(window, g.t(), x, at::kFloat);  // summed in float32, and not rounded on the way
  else
    window.copy_(g.t().mm(x));
  gradient->fresh = false;
  return {};
}

}  // namespace ashlar::nn
