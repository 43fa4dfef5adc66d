// A model's tensors in one list, whose entries do not depend on the model's type. What needs no constant
// expression walks a model through it, so that a walk is compiled once for each model.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ashlar/model/bind.hpp>
#include <ashlar/nn/parameter.hpp>

namespace ashlar {

struct ModelTensor {
  std::string name;  // dotted
  Role role = Role::trained;
  // Of a declared one, which points to memory that it is lent:
  std::span<const long> shape{};
  nn::Init init{};
  const Tensor** lent = nullptr;
  nn::Gradient** gradient = nullptr;  // of a parameter
  // Of a torch module's, which has memory: the tensor itself.
  Tensor own{};

  bool declared() const { return lent != nullptr; }
  std::vector<std::int64_t> sizes() const {
    return declared() ? std::vector<std::int64_t>(shape.begin(), shape.end()) : own.sizes().vec();
  }
};

namespace detail {

class TensorList {
 public:
  void parameter(nn::AnyParameter& parameter, std::span<const long> shape, bool held);
  void buffer(const nn::Init& init, const Tensor*& lent, std::span<const long> shape);
  void own(std::string_view name, const Tensor& tensor, bool is_buffer, bool held);

  // The names of what follows begin with this one, until leave().
  void enter(std::string_view part);
  void enter(std::size_t index);
  void leave();

  std::vector<ModelTensor> take() { return std::move(tensors_); }

 private:
  ModelTensor& add(Role role);

  std::string name_;
  std::vector<std::size_t> sizes_;  // of the names above
  std::vector<ModelTensor> tensors_;
};

template <class M>
void list_tensors(M& module, TensorList& list, bool held) {
  if constexpr (parameter<M>) {
    list.parameter(module, M::shape, held);
  } else if constexpr (buffer<M>) {
    list.buffer(module.init, module.tensor, M::shape);
  } else if constexpr (frozen<M>) {
    list_tensors(module.module, list, true);
  } else if constexpr (layer_list<M>) {
    for (std::size_t i = 0; i < module.size(); ++i) {
      list.enter(i);
      list_tensors(module[i], list, held);
      list.leave();
    }
  } else if constexpr (declared_module<M>) {
    for_each_member(module, [&](std::string_view part, auto& member) {
      list.enter(part);
      list_tensors(member, list, held);
      list.leave();
    });
  } else if constexpr (torch_module<M>) {
    for (const auto& item : module->named_parameters()) list.own(item.key(), item.value(), false, held);
    for (const auto& item : module->named_buffers()) list.own(item.key(), item.value(), true, held);
  } else {
    static_assert(tied<M>);
  }
}

}  // namespace detail

// In the order of for_each_tensor(), with its names.
template <class M>
std::vector<ModelTensor> list_tensors(M& model) {
  detail::TensorList list;
  detail::list_tensors(model, list, false);
  return list.take();
}

}  // namespace ashlar
