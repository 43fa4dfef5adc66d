// A model's tensors in one list, whose entries do not depend on the model's type. What needs no constant
// expression walks a model through it, so that a walk is compiled once for each model.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
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

// In the order of for_each_tensor(), with its names.
template <class M>
std::vector<ModelTensor> list_tensors(M& model) {
  std::vector<ModelTensor> list;
  for_each_tensor(model, [&]<class Member>(const Name& name, Member& member, Role role) {
    ModelTensor& tensor = list.emplace_back();
    tensor.name = name.view();
    tensor.role = role;
    if constexpr (parameter<Member> || buffer<Member>) {
      tensor.shape = Member::shape;
      tensor.init = member.init;
      tensor.lent = &member.tensor;
      if constexpr (parameter<Member>) tensor.gradient = &member.gradient;
    } else {
      tensor.own = member;
    }
  });
  return list;
}

}  // namespace ashlar
