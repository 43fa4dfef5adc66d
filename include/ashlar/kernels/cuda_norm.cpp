#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>

#include <ashlar/kernels/cuda_tensor.hpp>
#include <ashlar/kernels/norm.hpp>
#include <ashlar/kernels/ops.hpp>

namespace ashlar::cuda {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensor floats(at::IntArrayRef sizes, const Tensor& like) {
  return at::empty(sizes, like.options().dtype(at::kFloat));
}

// The norm of x, or x + delta and its norm; with a bias LayerNorm, without RMSNorm.
struct AddNorm : torch::autograd::Function<AddNorm> {
  static variable_list forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight,
                               const std::optional<Tensor>& bias, const std::optional<Tensor>& delta,
                               double epsilon) {
    const Tensor own = x.contiguous(), added = delta ? delta->contiguous() : Tensor();
    const long dim = own.size(-1), rows = own.numel() / dim;
    const Tensor means = bias ? floats({rows}, own) : Tensor(), roots = floats({rows}, own);
    const Tensor sum = delta ? at::empty_like(own) : Tensor(), y = at::empty_like(own);
    cuda::norm(about(weight, bias.value_or(Tensor()), means, roots, dim), own.const_data_ptr(),
               data_of(added), delta ? sum.data_ptr() : nullptr, y.data_ptr(), epsilon, stream_of(own));
    ctx->set_materialize_grads(false);
    ctx->save_for_backward({delta ? sum : own, weight, bias.value_or(Tensor()), means, roots});
    if (delta) return {sum, y};
    return {y};
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& outer) {
    require_last_backward("a norm of ops::");
    const variable_list saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &bias = saved[2];
    const bool adds = outer.size() == 2;
    const Tensor of_sum = adds && outer[0].defined() ? outer[0].contiguous() : Tensor();
    if (!outer.back().defined()) return {of_sum, Tensor(), Tensor(), of_sum, Tensor()};

    const Tensor due = outer.back().contiguous(), of_x = at::empty_like(x);
    const long dim = x.size(-1), rows = x.numel() / dim;
    Tensor of_weight, of_bias, partial;
    if (ctx->needs_input_grad(1)) {
      of_weight = at::empty_like(weight);
      if (bias.defined()) of_bias = at::empty_like(bias);
      partial = floats({bias.defined() ? 2 : 1, norm_parts(rows, dim), dim}, x);
    }
    norm_backward(about(weight, bias, saved[3], saved[4], dim), x.const_data_ptr(), due.const_data_ptr(),
                  data_of(of_sum), of_x.data_ptr(), partial.defined() ? partial.data_ptr<float>() : nullptr,
                  of_weight.defined() ? of_weight.data_ptr() : nullptr,
                  of_bias.defined() ? of_bias.data_ptr() : nullptr, stream_of(x));
    return {of_x, of_weight, of_bias, adds ? of_x : Tensor(), Tensor()};
  }

  static Norm about(const Tensor& weight, const Tensor& bias, const Tensor& means, const Tensor& roots,
                    long dim) {
    return {weight.const_data_ptr(), data_of(bias), means.defined() ? means.data_ptr<float>() : nullptr,
            roots.data_ptr<float>(), roots.numel(), dim,
            type_of(weight)};
  }
};

}  // namespace

bool takes_norm(const Tensor& x, const Tensor& weight) {
  return takes(x) && weight.scalar_type() == x.scalar_type() && x.size(-1) <= widest_norm;
}

bool same_kind(const Tensor& a, const Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes();
}

Tensor rms_norm(const Tensor& x, const Tensor& weight, double epsilon) {
  return AddNorm::apply(x, weight, std::nullopt, std::nullopt, epsilon)[0];
}

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double epsilon) {
  return AddNorm::apply(x, weight, bias, std::nullopt, epsilon)[0];
}

std::array<Tensor, 2> add_rms_norm(const Tensor& x, const Tensor& delta, const Tensor& weight,
                                   double epsilon) {
  const variable_list both = AddNorm::apply(x, weight, std::nullopt, delta, epsilon);
  return {both[0], both[1]};
}

std::array<Tensor, 2> add_layer_norm(const Tensor& x, const Tensor& delta, const Tensor& weight,
                                     const Tensor& bias, double epsilon) {
  const variable_list both = AddNorm::apply(x, weight, bias, delta, epsilon);
  return {both[0], both[1]};
}

}  // namespace ashlar::cuda
