// own_numel: how many parameters a module holds that no unit inside it holds.
#pragma once

#include <ashlar/model/visit.hpp>

namespace ashlar {

template <class Wrap, class Model, class T>
consteval long own_numel();

namespace detail {

// A variable is evaluated once, however often a walk over the model asks for it: for a policy that asks for
// sizes itself a function would be evaluated twice as often with each level of nesting.
template <class Wrap, class Model, class T>
inline constexpr long own_numel_of = own_numel<Wrap, Model, T>();

template <class Wrap, class Model, class T>
consteval long outside_units() {
  if constexpr (declared_module<T>)
    if (Wrap::template starts_unit<Model, T>()) return 0;
  return own_numel_of<Wrap, Model, T>;
}

}  // namespace detail

// Elements of the parameters of T, a module below Model, without those of the units that Wrap starts inside
// it.
template <class Wrap, class Model, class T>
consteval long own_numel() {
  if constexpr (parameter<T>) {
    return T::numel;
  } else if constexpr (layer_list<T>) {
    return static_cast<long>(std::tuple_size_v<T>) *
           detail::outside_units<Wrap, Model, typename T::value_type>();
  } else if constexpr (declared_module<T>) {
    return []<class... Members>(TypeList<Members...>) {
      return (detail::outside_units<Wrap, Model, Members>() + ... + 0);
    }(member_types<T>());
  } else {
    return 0;
  }
}

}  // namespace ashlar
