// EvalMode: the torch modules of a model in eval mode for a while, and then each as it was.
#pragma once

#include <ATen/core/grad_mode.h>

#include <cstddef>
#include <type_traits>
#include <vector>

#include <ashlar/model/bind.hpp>

namespace ashlar {

template <class Model>
class EvalMode {
 public:
  explicit EvalMode(Model& model) : model_(model) {
    for_each_torch_module([this](auto& module) { training_.push_back(module.is_training()); });
    for_each_torch_module([](auto& module) { module.eval(); });
  }
  // A module comes before its children, which its train() sets, too.
  ~EvalMode() {
    std::size_t i = 0;
    for_each_torch_module([&](auto& module) {
      if (i < training_.size()) module.train(training_[i++]);
    });
  }
  EvalMode(const EvalMode&) = delete;
  EvalMode& operator=(const EvalMode&) = delete;

 private:
  void for_each_torch_module(auto&& visit) {
    for_each_module(model_, [&](auto& module) {
      if constexpr (torch_module<std::remove_reference_t<decltype(module)>>)
        for (const auto& each : module->modules()) visit(*each);
    });
  }

  Model& model_;
  std::vector<bool> training_;
};

// What body() returns, which runs the model forward on the engine.
template <class Model, class Engine, class Body>
auto without_gradients(Model& model, Engine& engine, Body&& body) {
  const at::NoGradGuard guard;
  const EvalMode<Model> eval(model);
  engine.begin_evaluation();
  auto result = body();
  engine.finish();
  return result;
}

}  // namespace ashlar
