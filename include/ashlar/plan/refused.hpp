// RefusedPlan: stands where a Plan would, had its mistake not been explained already. What is asserted of it
// holds, so that one mistake gives one error. Never made in a program that compiles.
#pragma once

#include <ashlar/cxx20.hpp>

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
  constexpr Holds view() const { return {}; }

  friend constexpr Holds operator==(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator!=(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator<(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator<=(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator>(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator>=(const auto&, const auto&) { return {}; }
  template <class T>
  friend constexpr T& operator+=(T& sum, const Holds&) {
    return sum;
  }
  friend constexpr Holds operator+(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator-(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator*(const auto&, const auto&) { return {}; }
  friend constexpr Holds operator/(const auto&, const auto&) { return {}; }
};

// A list of it: empty for a loop, and with whatever element is asked for.
struct HeldElement;
struct HeldList : Holds {
  constexpr const HeldElement* begin() const { return nullptr; }
  constexpr const HeldElement* end() const { return nullptr; }
  constexpr Holds empty() const { return {}; }
  constexpr HeldElement operator[](const auto&) const;
  constexpr HeldElement at(const auto&) const;
  constexpr HeldElement front() const;
  constexpr HeldElement back() const;
};
struct HeldElement : Holds {  // a UnitPlan, a Transfer or a Piece
  Holds name, trained, frozen, padded, part, kind, unit, bytes, numel, decays, offset;
  HeldList pieces, frozen_pieces;
};
constexpr HeldElement HeldList::operator[](const auto&) const {
  return {};
}
constexpr HeldElement HeldList::at(const auto&) const {
  return {};
}
constexpr HeldElement HeldList::front() const {
  return {};
}
constexpr HeldElement HeldList::back() const {
  return {};
}

}  // namespace detail

struct RefusedPlan {
  detail::Holds shard, precision, offload, wrap, checkpoint, world, micro_batches, parameters, gradients,
      optimizer, slots, gradient_slots, joined, host, moved, update, kept, peak, flops, sent;
  detail::HeldList units, step;
  struct {
    detail::Holds saved, most, parts, flops;
  } work;

  // A Plan, where one is asked for.
  template <class T>
  constexpr operator T() const {
    return T();
  }
};

}  // namespace ashlar
