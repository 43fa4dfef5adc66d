// Standalone: a declared model on tensors of its own, on one device and without a strategy. This is the plain
// way to run a model: for inference, and as the slow reference that sharded training is compared with.
//
//     Standalone<models::Gpt<shape>> model(/*seed=*/1);
//     model.loss(ids, targets).backward();
//     for (auto& [name, tensor, trainable, decays] : model.parameters()) ...
#pragma once

#include <ATen/core/Tensor.h>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ashlar/model/bind.hpp>
#include <ashlar/model/call.hpp>

namespace ashlar {

// The executor that adds nothing.
struct Direct {
  auto operator()(const auto& child, const auto&... inputs) const { return call(child, *this, inputs...); }
};

struct NamedTensor {
  std::string name;  // dotted
  Tensor tensor;     // a leaf
  bool trainable;
  bool decays;  // two or more dimensions: weight decay is for matrices, not for norms and biases
};

namespace detail {
// A new leaf, initialised as every strategy initialises it.
NamedTensor make_named(const Name& name, std::span<const long> shape, nn::Init init, Role role,
                       std::uint64_t seed, const at::TensorOptions& options);
// A torch module's own tensor, moved to `options` and held if its role says so. Its values stay as they are.
NamedTensor adopt_named(const Name& name, Tensor tensor, Role role, const at::TensorOptions& options);
}  // namespace detail

template <class Model>
class Standalone {
 public:
  // Parameters get the type and device of `options`; buffers its device, in float32.
  explicit Standalone(std::uint64_t seed, const at::TensorOptions& options = {}, Model model = {})
      : model_(std::move(model)) {
    for_each_tensor(model_, [&](const Name& name, auto& member, Role role) {
      auto& list = role == Role::buffer ? buffers_ : parameters_;
      if constexpr (std::same_as<std::remove_cvref_t<decltype(member)>, Tensor>)
        list.push_back(detail::adopt_named(name, member, role, options));
      else
        list.push_back(detail::make_named(name, member.shape, member.init, role, seed, options));
    });
    // Only now: the lists have stopped growing, so what is in them stays where it is.
    auto parameter = parameters_.begin(), buffer = buffers_.begin();
    for_each_tensor(model_, [&](const Name&, auto& member, Role role) {
      const Tensor& tensor = (role == Role::buffer ? buffer++ : parameter++)->tensor;
      if constexpr (requires { member.init; }) member.tensor = &tensor;
    });
    bind_ties(model_);
  }

  Standalone(const Standalone&) = delete;  // the model points into this object
  Standalone& operator=(const Standalone&) = delete;

  auto forward(const auto&... inputs) const { return call(model_, run_, inputs...); }
  auto loss(const auto&... inputs) const { return model_.loss(run_, inputs...); }

  const Model& model() const { return model_; }
  const std::vector<NamedTensor>& parameters() const { return parameters_; }  // in order of declaration
  const std::vector<NamedTensor>& buffers() const { return buffers_; }

 private:
  Model model_;
  Direct run_;
  std::vector<NamedTensor> parameters_, buffers_;
};

}  // namespace ashlar
