#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/graph_task.h>

#include <ashlar/engine/recomputation.hpp>
#include <ashlar/kernels/column_sums.hpp>
#include <ashlar/kernels/cross_entropy.hpp>
#include <ashlar/kernels/cuda_tensor.hpp>
#include <ashlar/kernels/ops.hpp>
#include <ashlar/kernels/rope.hpp>
#include <ashlar/kernels/silu_mul.hpp>
#include <ashlar/nn/weight_gradient.hpp>

namespace ashlar::cuda {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensor gated(const Tensor& gate, const Tensor& up) {
  const Tensor out = at::empty_like(gate);
  silu_mul(gate.const_data_ptr(), up.const_data_ptr(), out.data_ptr(), gate.numel(), type_of(gate),
           stream_of(gate));
  return out;
}

// The gradients of gate and up from that of gated(gate, up), which takes the place of `due` where it
// `remakes` it.
std::pair<Tensor, Tensor> gate_gradients(const Tensor& gate, const Tensor& up, const Tensor& due,
                                         bool remakes) {
  const Tensor of_gate = at::empty_like(gate), of_up = at::empty_like(up);
  silu_mul_backward(gate.const_data_ptr(), up.const_data_ptr(), due.const_data_ptr(), of_gate.data_ptr(),
                    of_up.data_ptr(), remakes ? due.data_ptr() : nullptr, gate.numel(), type_of(gate),
                    stream_of(gate));
  return {of_gate, of_up};
}

struct SiluMul : torch::autograd::Function<SiluMul> {
  static Tensor forward(AutogradContext* ctx, const Tensor& gate, const Tensor& up) {
    const Tensor g = gate.contiguous(), u = up.contiguous();
    ctx->save_for_backward({g, u});
    return gated(g, u);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& outer) {
    require_last_backward("ops::silu_mul");
    const variable_list saved = ctx->get_saved_variables();
    const auto [of_gate, of_up] =
        gate_gradients(saved[0], saved[1], outer[0].contiguous(), /*remakes=*/false);
    return {of_gate, of_up};
  }
};

// Keeps gate and up alone: backward makes what went through the weight again, in the pass that it needs
// anyway.
struct GatedLinear : torch::autograd::Function<GatedLinear> {
  static Tensor forward(AutogradContext* ctx, const Tensor& gate, const Tensor& up, const Tensor& weight,
                        const Tensor& gradient) {
    const Tensor g = gate.contiguous(), u = up.contiguous();
    ctx->save_for_backward({g, u, weight, gradient});
    return Recomputation::product(g, weight, [&] { return at::linear(gated(g, u), weight); });
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& outer) {
    require_last_backward("ops::gated_linear");
    const variable_list saved = ctx->get_saved_variables();
    const Tensor due = outer[0].flatten(0, -2), product = due.mm(saved[2]);
    const auto [of_gate, of_up] = gate_gradients(saved[0], saved[1], product, /*remakes=*/true);
    const Tensor into_autograd =
        ctx->needs_input_grad(2) ? nn::weight_gradient(due, product, saved[3]) : Tensor();
    return {of_gate, of_up, into_autograd, Tensor()};
  }
};

// What backward leads a weight's gradient by: nn::Gradient::self, or nothing.
Tensor window_of(const nn::AnyParameter& weight) {
  return weight.gradient != nullptr ? *weight.gradient->self : at::empty({0}, at::kByte);
}

struct Rope : torch::autograd::Function<Rope> {
  static Tensor turned(const Tensor& x, long heads, double base, bool back) {  // (..., T, H*D) -> same
    const Tensor own = x.contiguous(), out = at::empty_like(own);
    const long width = own.size(-1) / heads;
    cuda::rope(own.const_data_ptr(), out.data_ptr(), own.numel() / own.size(-1), own.size(-2), heads, width,
               base, back, type_of(own), stream_of(own));
    return out;
  }

  static Tensor forward(AutogradContext* ctx, const Tensor& x, long heads, double base) {
    ctx->saved_data["heads"] = heads;
    ctx->saved_data["base"] = base;
    return turned(x, heads, base, false);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& outer) {
    require_last_backward("ops::rope");
    return {turned(outer[0], ctx->saved_data["heads"].toInt(), ctx->saved_data["base"].toDouble(), true),
            Tensor(), Tensor()};
  }
};

struct LinearCrossEntropy : torch::autograd::Function<LinearCrossEntropy> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight, const Tensor& gradient,
                        const Tensor& targets) {
    const Tensor logits = at::linear(x, weight).flatten(0, -2), due = targets.flatten().contiguous();
    const long rows = logits.size(0), columns = logits.size(1);
    const Tensor log_sums = at::empty({rows}, logits.options().dtype(at::kFloat)),
                 losses = at::empty_like(log_sums);
    cross_entropy(logits.const_data_ptr(), due.const_data_ptr<std::int64_t>(), log_sums.data_ptr<float>(),
                  losses.data_ptr<float>(), rows, columns, type_of(logits), stream_of(logits));
    ctx->save_for_backward({x, weight, gradient, logits, due, log_sums});
    return losses.mean();
  }

  // The logits are nobody else's: their gradient takes their place, unless another backward is to come.
  static variable_list backward(AutogradContext* ctx, const variable_list& outer) {
    require_last_backward("ops::linear_cross_entropy");
    const variable_list saved = ctx->get_saved_variables();
    const Tensor g = torch::autograd::get_current_graph_task_keep_graph() ? saved[3].clone() : saved[3];
    const Tensor &x = saved[0], &weight = saved[1], &targets = saved[4], &log_sums = saved[5];
    const Tensor upstream = outer[0].to(at::kFloat);
    cross_entropy_backward(g.data_ptr(), targets.const_data_ptr<std::int64_t>(),
                           log_sums.const_data_ptr<float>(), upstream.const_data_ptr<float>(), g.size(0),
                           g.size(1), type_of(g), stream_of(g));
    const Tensor input = ctx->needs_input_grad(0) ? g.mm(weight).view_as(x) : Tensor();
    const Tensor into_autograd =
        ctx->needs_input_grad(1) ? nn::weight_gradient(g, x.flatten(0, -2), saved[2]) : Tensor();
    return {input, into_autograd, Tensor(), Tensor()};
  }
};

}  // namespace

bool takes(const Tensor& x) {
  return x.is_cuda() && (x.scalar_type() == at::kBFloat16 || x.scalar_type() == at::kFloat) &&
         !at::autocast::is_autocast_enabled(at::kCUDA);
}

Tensor column_sums(const Tensor& x) {
  const Tensor own = x.contiguous();
  const long rows = own.size(0), columns = own.size(1);
  const Tensor partial = at::empty({row_parts, columns}, own.options().dtype(at::kFloat)),
               sums = at::empty({columns}, own.options());
  column_sums(own.const_data_ptr(), partial.data_ptr<float>(), sums.data_ptr(), rows, columns, type_of(own),
              stream_of(own));
  return sums;
}

Tensor silu_mul(const Tensor& gate, const Tensor& up) {
  return SiluMul::apply(gate, up);
}

Tensor gated_linear(const Tensor& gate, const Tensor& up, const nn::AnyParameter& weight) {
  return GatedLinear::apply(gate, up, *weight, window_of(weight));
}

Tensor rope(const Tensor& x, long heads, double base) {
  return Rope::apply(x, heads, base);
}

Tensor linear_cross_entropy(const Tensor& x, const nn::AnyParameter& weight, const Tensor& targets) {
  return LinearCrossEntropy::apply(x, *weight, window_of(weight), targets);
}

}  // namespace ashlar::cuda
