// What an optimizer must provide: an elementwise update of flat shards, and how many tensors it remembers.
//
//   needs   name; states and as many state_names, constants; learning_rate; update(master, grad, states,
//   rate, decays, step). may     settings(): a range of Setting, all its numbers but the learning rate, which
//   ranks and
//           checkpoints are compared by; fuses(master) and update_fused(), and update_on_host(), as AdamW
//           has them: of a master that is split they are handed the rest.
//   laws    elementwise: updating two parts of a tensor equals updating the whole; zero gradients with
//           zero states leave zero parameters zero (flats are padded with zeros).
//   models  optim::AdamW, optim::Sgd.
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>

#include <ashlar/concepts/policy.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar {

// A number of an optimizer's. make() refuses one that is not in [least, below), where these are given.
struct Setting {
  std::string_view name;
  double value = 0;
  double least = -std::numeric_limits<double>::infinity();
  double below = std::numeric_limits<double>::infinity();
};

template <class O>
concept updates_shards = requires(const O& o, const Tensor& t, std::span<const Tensor> states) {
  requires detail::shared<decltype(&O::name)>;
  { O::name } -> std::convertible_to<std::string_view>;
  O::states;
  O::state_names;
  { o.learning_rate } -> std::convertible_to<double>;
  o.update(t, t, states, 0.1, true, 1L);
};

// How many tensors it remembers, a constant.
template <class O>
concept counts_states = requires { &O::states; } && detail::shared<decltype(&O::states)> &&
                        requires { typename detail::constant<int, O::states>; } && O::states >= 0;

namespace detail {

template <class O>
concept counts_state_names = requires { &O::state_names; } && shared<decltype(&O::state_names)> && requires {
  typename constant<std::size_t, std::size(O::state_names)>;
  { O::state_names[0] } -> std::convertible_to<std::string_view>;
};

template <class O>
consteval bool state_names_differ() {
  for (std::size_t i = 0; i < std::size(O::state_names); ++i) {
    if (std::string_view(O::state_names[i]).empty()) return false;
    for (std::size_t j = 0; j < i; ++j)
      if (std::string_view(O::state_names[i]) == std::string_view(O::state_names[j])) return false;
  }
  return true;
}

}  // namespace detail

// And a name for each, under which it is saved.
template <class O>
concept names_its_states = counts_states<O> && detail::counts_state_names<O> &&
                           std::size(O::state_names) == static_cast<std::size_t>(O::states) &&
                           requires { typename std::bool_constant<detail::state_names_differ<O>()>; } &&
                           detail::state_names_differ<O>();

template <class O>
concept lists_its_settings = !requires(const O& o) { o.settings(); } || requires(const O& o) {
  { *std::begin(o.settings()) } -> std::convertible_to<Setting>;
};

template <class O>
concept optimizer = updates_shards<O> && names_its_states<O> && lists_its_settings<O>;

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
