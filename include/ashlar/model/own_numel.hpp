// own_numel: how many parameters a module holds that no unit inside it holds.
#pragma once

#include <ashlar/model/visit.hpp>

namespace ashlar {

// Elements of the parameters of T, a module below Model, without those of the units that Wrap starts inside
// it.
template <class Wrap, class Model, class T>
consteval long own_numel() {
  if constexpr (parameter<T>) {
    return T::numel;
  } else if constexpr (layer_list<T>) {
    using Element = typename T::value_type;
    if (Wrap::template starts_unit<Model, Element>()) return 0;
    return static_cast<long>(std::tuple_size_v<T>) * own_numel<Wrap, Model, Element>();
  } else if constexpr (declared_module<T>) {
    long sum = 0;
    boost::hana::for_each(boost::hana::accessors<T>(), [&](auto member) {
      using Member = std::remove_cvref_t<decltype(boost::hana::second(member)(std::declval<T&>()))>;
      if constexpr (declared_module<Member>) {
        if (Wrap::template starts_unit<Model, Member>()) return;
      }
      sum += own_numel<Wrap, Model, Member>();
    });
    return sum;
  } else {
    return 0;
  }
}

}  // namespace ashlar
