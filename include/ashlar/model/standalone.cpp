#include <ashlar/model/standalone.hpp>

#include <ATen/ops/empty.h>

#include <ashlar/model/init.hpp>

namespace ashlar::detail {
namespace {

Tensor new_leaf(const ModelTensor& declared, std::uint64_t seed, const at::TensorOptions& options) {
  const bool is_buffer = declared.role == Role::buffer;
  const Tensor tensor = at::empty(declared.sizes(), is_buffer ? options.dtype(at::kFloat) : options);
  fill(tensor, declared.init, parameter_seed(seed, declared.name));
  tensor.requires_grad_(declared.role == Role::trained);
  return tensor;
}

Tensor move(const ModelTensor& of_module, const at::TensorOptions& options) {
  const Tensor tensor = of_module.own;
  const bool is_buffer = of_module.role == Role::buffer;
  auto wanted = tensor.options();
  if (!is_buffer && options.has_dtype()) wanted = wanted.dtype(options.dtype());
  if (options.has_device()) wanted = wanted.device(options.device());
  tensor.set_data(tensor.detach().to(wanted));
  if (!is_buffer) tensor.requires_grad_(of_module.role == Role::trained);
  return tensor;
}

}  // namespace

void lend_named(const std::vector<ModelTensor>& tensors, std::uint64_t seed, const at::TensorOptions& options,
                std::vector<NamedTensor>& parameters, std::vector<NamedTensor>& buffers) {
  for (const ModelTensor& each : tensors) {
    const Tensor tensor = each.declared() ? new_leaf(each, seed, options) : move(each, options);
    (each.role == Role::buffer ? buffers : parameters)
        .push_back({each.name, tensor, each.role == Role::trained, tensor.dim() >= 2});
  }
  // Only now: the lists have stopped growing, so what is in them stays where it is.
  auto parameter = parameters.begin(), buffer = buffers.begin();
  for (const ModelTensor& each : tensors) {
    const Tensor& tensor = (each.role == Role::buffer ? buffer++ : parameter++)->tensor;
    if (each.declared()) *each.lent = &tensor;
  }
}

}  // namespace ashlar::detail
