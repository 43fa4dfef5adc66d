#include <ashlar/model/standalone.hpp>

#include <ATen/ops/empty.h>

#include <ashlar/model/init.hpp>

namespace ashlar::detail {

NamedTensor make_named(const Name& name, std::span<const long> shape, nn::Init init, Role role,
                       std::uint64_t seed, const at::TensorOptions& options) {
  const std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  const Tensor tensor = at::empty(sizes, role == Role::buffer ? options.dtype(at::kFloat) : options);
  fill(tensor, init, parameter_seed(seed, name.view()));
  tensor.requires_grad_(role == Role::trained);
  return {std::string(name.view()), tensor, role == Role::trained, sizes.size() >= 2};
}

NamedTensor adopt_named(const Name& name, Tensor tensor, Role role, const at::TensorOptions& options) {
  const bool floating = role != Role::buffer && options.has_dtype();
  auto wanted = tensor.options();
  if (floating) wanted = wanted.dtype(options.dtype());
  if (options.has_device()) wanted = wanted.device(options.device());
  tensor.set_data(tensor.detach().to(wanted));
  if (role != Role::buffer) tensor.requires_grad_(role == Role::trained);
  return {std::string(name.view()), tensor, role == Role::trained, tensor.dim() >= 2};
}

}  // namespace ashlar::detail
