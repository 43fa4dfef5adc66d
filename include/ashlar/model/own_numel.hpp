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
    constexpr auto outside_units = []<class Member>() -> long {
      if constexpr (declared_module<Member>)
        if (Wrap::template starts_unit<Model, Member>()) return 0;
      return own_numel<Wrap, Model, Member>();
    };
    return [&]<class... Members>(TypeList<Members...>) {
      return (outside_units.template operator()<Members>() + ... + 0);
    }(member_types<T>());
  } else {
    return 0;
  }
}

}  // namespace ashlar
