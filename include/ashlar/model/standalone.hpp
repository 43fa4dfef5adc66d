// Standalone: a declared model on tensors of its own, on one device and without a strategy. This is the plain
// way to run a model: for inference, and as the slow reference that sharded training is compared with.
//
//     Standalone<models::Gpt<shape>> model(/*seed=*/1);
//     model.loss(ids, targets).backward();
//     for (auto& [name, tensor, trainable, decays] : model.parameters()) ...
#pragma once

#include <ATen/core/Tensor.h>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ashlar/model/bind.hpp>
#include <ashlar/model/call.hpp>
#include <ashlar/model/tensors.hpp>

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
// Lends each declared tensor a new leaf, initialised as every strategy initialises it. A torch module's own
// tensors are moved to `options`, with their values, and held if their roles say so.
void lend_named(const std::vector<ModelTensor>& tensors, std::uint64_t seed, const at::TensorOptions& options,
                std::vector<NamedTensor>& parameters, std::vector<NamedTensor>& buffers);
}  // namespace detail

template <class Model>
class Standalone {
 public:
  // Parameters get the type and device of `options`; buffers its device, in float32.
  explicit Standalone(std::uint64_t seed, const at::TensorOptions& options = {}, Model model = {})
      : model_(std::move(model)) {
    detail::lend_named(list_tensors(model_), seed, options, parameters_, buffers_);
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
