// RefusedPlan: stands where a Plan would, had its mistake not been explained already. What is asserted of it
// holds, so that one mistake gives one error. Never made in a program that compiles.
#pragma once

#include <concepts>

namespace ashlar {

namespace detail {

// A member of it: whatever it is compared with, and true.
struct Holds {
  template <class T>
  constexpr operator T() const {
    if constexpr (std::same_as<T, bool>)
      return true;
    else
      return T();
  }
  constexpr Holds operator()(const auto&...) const { return {}; }
  constexpr Holds operator!() const { return {}; }
  constexpr Holds size() const { return {}; }

  friend constexpr Holds operator==(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator!=(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator<(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator<=(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator>(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator>=(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator+(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator-(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator*(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator/(const auto&, const auto&) { return {}; }
};

}  // namespace detail

struct RefusedPlan {
  detail::Holds shard, precision, offload, wrap, checkpoint, world, micro_batches, units, parameters,
      gradients, optimizer, slots, gradient_slots, step, update, kept, peak, flops, sent;
  struct {
    detail::Holds saved, most, flops;
  } work;

  // A Plan, where one is asked for.
  template <class T>
  constexpr operator T() const {
    return T();
  }
};

}  // namespace ashlar
