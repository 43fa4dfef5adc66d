#include <ashlar/model/tensors.hpp>

#include <stdexcept>

namespace ashlar::detail {

ModelTensor& TensorList::add(Role role) {
  ModelTensor& tensor = tensors_.emplace_back();
  tensor.name = name_;
  tensor.role = role;
  return tensor;
}

void TensorList::parameter(nn::AnyParameter& parameter, std::span<const long> shape, bool held) {
  ModelTensor& added = add(held ? Role::frozen : Role::trained);
  added.shape = shape;
  added.init = parameter.init;
  added.lent = &parameter.tensor;
  added.gradient = &parameter.gradient;
}

void TensorList::buffer(const nn::Init& init, const Tensor*& lent, std::span<const long> shape) {
  ModelTensor& added = add(Role::buffer);
  added.shape = shape;
  added.init = init;
  added.lent = &lent;
}

void TensorList::own(std::string_view name, const Tensor& tensor, bool is_buffer, bool held) {
  enter(name);
  add(is_buffer ? Role::buffer : held || !tensor.requires_grad() ? Role::frozen : Role::trained).own = tensor;
  leave();
}

void TensorList::enter(std::string_view part) {
  sizes_.push_back(name_.size());
  if (!name_.empty()) name_ += '.';
  name_ += part;
}

void TensorList::enter(std::size_t index) {
  enter(std::to_string(index));
}

void TensorList::leave() {
  name_.resize(sizes_.back());
  sizes_.pop_back();
}

}  // namespace ashlar::detail
