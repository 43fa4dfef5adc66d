// hides_tensors: whether a module has a member that holds tensors and that it does not declare.
//
// C++20 cannot list the members of a class, but it can ask of an aggregate whether its k-th member starts
// from a given value. So each member is offered a value that turns into nothing but what holds tensors, and
// those that take it are counted. Other members, such as a double or a std::string, take no part in the
// count. Whatever the count cannot look into (a class with constructors, a member after one that takes no
// value) passes: at run time a parameter that was lent no tensor says so when it is read.
#pragma once

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include <ashlar/model/visit.hpp>

namespace ashlar {

// Anything below T that is trained; a torch module's parameters are known at run time only.
template <class T>
inline constexpr bool holds_parameters =
    any_type<T>([]<class U>() { return parameter<U> || torch_module<U>; });

// The same without what is held fixed.
template <class T>
inline constexpr bool holds_trained_parameters = parameter<T> || torch_module<T>;
template <layer_list T>
inline constexpr bool holds_trained_parameters<T> =
    std::tuple_size_v<T> > 0 && holds_trained_parameters<typename T::value_type>;
template <declared_module T>
inline constexpr bool holds_trained_parameters<T> = !frozen<T> && []<class... Members>(TypeList<Members...>) {
  return (holds_trained_parameters<Members> || ...);
}(member_types<T>());

// Tensors of a model in a T, or in what a T of the standard library owns.
template <class T>
inline constexpr bool holds_tensors =
    !std::is_pointer_v<T> &&
    any_type<T>([]<class U>() { return parameter<U> || buffer<U> || tied<U> || torch_module<U>; });
template <class T>
  requires requires { typename T::value_type; } &&
               (!layer_list<T> && !std::is_same_v<T, typename T::value_type>)
inline constexpr bool holds_tensors<T> =
    holds_tensors<typename T::value_type>;  // a vector, or a map of pairs
template <class T>
  requires requires(T& owner) {
    typename T::element_type;
    owner.reset();
    *owner;
  } && (!torch_module<T>)
inline constexpr bool holds_tensors<T> = holds_tensors<typename T::element_type>;  // a unique_ptr, say
template <class First, class Second>
inline constexpr bool holds_tensors<std::pair<First, Second>> = holds_tensors<First> || holds_tensors<Second>;
template <class... Types>
inline constexpr bool holds_tensors<std::tuple<Types...>> = (holds_tensors<Types> || ...);
template <class T, std::size_t n>
inline constexpr bool holds_tensors<std::array<T, n>> = holds_tensors<T>;
template <class T, std::size_t n>
inline constexpr bool holds_tensors<T[n]> = holds_tensors<T>;

namespace detail {

struct Anything {
  template <class T>
  operator T() const;
};

struct PlainHolder {
  template <class T>
    requires holds_tensors<T>
  operator T() const;
};

template <class M, class... Members>
concept starts_from = requires { M{std::declval<Members>()...}; };

// Of the members after `Before`, how many start from a Holder; no more than 64 are looked at.
template <class Holder, class M, class... Before>
consteval std::size_t count_holders() {
  std::size_t count = starts_from<M, Before..., Holder> ? 1 : 0;
  if constexpr (sizeof...(Before) < 64 && starts_from<M, Before..., Anything>)
    count += count_holders<Holder, M, Before..., Anything>();
  return count;
}

// Whether T is a plain struct with a member that holds tensors, or owns some, as a vector of them does.
template <class T>
inline constexpr bool owns_holders = false;
template <class T>
  requires(requires { sizeof(T); } && std::is_class_v<T> && std::is_aggregate_v<T> && !declared_module<T>)
inline constexpr bool owns_holders<T> = count_holders<PlainHolder, T>() > 0;
template <class T>
  requires requires { typename T::value_type; } &&
               (!std::is_aggregate_v<T> && !std::is_same_v<T, typename T::value_type>)
inline constexpr bool owns_holders<T> = owns_holders<typename T::value_type>;
template <class T>
  requires requires(T& owner) {
    typename T::element_type;
    owner.reset();
    *owner;
  } && (!torch_module<T>)
inline constexpr bool owns_holders<T> = owns_holders<typename T::element_type>;
template <class First, class Second>
inline constexpr bool owns_holders<std::pair<First, Second>> = owns_holders<First> || owns_holders<Second>;

struct TensorHolder {
  template <class T>
    requires(holds_tensors<T> || owns_holders<T>)
  operator T() const;
};

}  // namespace detail

template <class M>
inline constexpr bool hides_tensors = false;
template <declared_module M>
  requires std::is_aggregate_v<M>
inline constexpr bool hides_tensors<M> =
    detail::count_holders<detail::TensorHolder, M>() > member_types<M>::size;

}  // namespace ashlar
