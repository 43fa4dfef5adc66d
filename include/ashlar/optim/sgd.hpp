// Sgd: stochastic gradient descent with momentum (Sutskever et al. 2013, in PyTorch's form: velocity =
// momentum * velocity + gradient) and weight decay added to the gradient.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include <ashlar/concepts/optimizer.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar::optim {

struct Sgd {
  static constexpr std::string_view name = "Sgd";
  static constexpr int states = 1;  // velocity
  static constexpr std::array<std::string_view, 1> state_names{"momentum_buffer"};

  double learning_rate = 0.1;
  double momentum = 0.9;
  double weight_decay = 0;  // of parameters with two or more dimensions
  bool nesterov = false;

  constexpr auto settings() const {
    return std::array{Setting{"momentum", momentum, 0}, Setting{"weight_decay", weight_decay, 0},
                      Setting{"nesterov", nesterov ? 1.0 : 0.0}};
  }

  // As AdamW::update.
  void update(const Tensor& master, const Tensor& grad, std::span<const Tensor> states, double rate,
              bool decays, long step) const;
};

}  // namespace ashlar::optim
