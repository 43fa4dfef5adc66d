// What an optimizer must provide: an elementwise update of flat shards, and how many tensors it remembers.
//
//   needs   name; states and state_names; learning_rate; update(master, grad, states, rate, decays, step).
//   may     settings(): a range of Setting, all its numbers but the learning rate, which ranks and
//           checkpoints are compared by; fuses(master) and update_fused(), and update_on_host(), as AdamW
//           has them: of a master that is split they are handed the rest.
//   laws    elementwise: updating two parts of a tensor equals updating the whole; zero gradients with
//           zero states leave zero parameters zero (flats are padded with zeros).
//   models  optim::AdamW, optim::Sgd.
#pragma once

#include <concepts>
#include <span>
#include <string_view>

#include <ashlar/tensor.hpp>

namespace ashlar {

struct Setting {
  std::string_view name;
  double value = 0;
};

template <class O>
concept optimizer = requires(const O& o, const Tensor& t, std::span<const Tensor> states) {
  { O::name } -> std::convertible_to<std::string_view>;
  { O::states } -> std::convertible_to<int>;
  { O::state_names[0] } -> std::convertible_to<std::string_view>;
  { o.learning_rate } -> std::convertible_to<double>;
  o.update(t, t, states, 0.1, true, 1L);
};

template <class O>
concept fusing_optimizer =
    optimizer<O> && requires(const O& o, const Tensor& t, std::span<const Tensor> states) {
      { O::fuses(t) } -> std::same_as<bool>;
      o.update_fused(t, t, states, t, t, true);
    };

template <class O>
concept host_optimizer =
    optimizer<O> && requires(const O& o, const Tensor& t, std::span<const Tensor> states) {
      o.update_on_host(t, t, states, t, 0.1, 1.0F, true, 1L);
    };

}  // namespace ashlar
