// ModuleId: which module of a model one is: its address, and its type, for a struct and its first member
// share an address.
#pragma once

#include <ashlar/cxx20.hpp>

#include <type_traits>

namespace ashlar {

namespace detail {
template <class T>
inline constexpr char type_tag = 0;
}  // namespace detail

struct ModuleId {
  const void* module = nullptr;
  const void* type = nullptr;

  constexpr bool operator==(const ModuleId&) const = default;
};

template <class M>
constexpr ModuleId id_of(const M& module) {
  return {&module, &detail::type_tag<std::remove_const_t<M>>};
}

}  // namespace ashlar
