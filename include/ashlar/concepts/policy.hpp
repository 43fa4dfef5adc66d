// What every policy has: a name and constants, which the compiler can read.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>

namespace ashlar {

// A policy whose header is missing is declared at most: its concepts would all say no, for the wrong reason.
template <class P>
concept complete_type = std::is_void_v<P> || requires { sizeof(P); };

template <class P>
concept names_itself = requires {
  { P::name } -> std::convertible_to<std::string_view>;
  typename std::bool_constant<(std::string_view(P::name), true)>;  // a constant
};

namespace detail {
// Named with a constant of type T: what can be a template argument is one.
template <class T, T value>
struct constant;
}  // namespace detail

// The modules that a policy names, as wrap::Each<Types...> does in `using modules = named_modules<Types...>`.
template <class... Types>
struct named_modules {};

template <class P>
concept names_modules = requires { typename P::modules; };

// How many dimensions the world has that a Shard policy shards over, or that a communicator offers.
template <class T>
inline constexpr int dimensions_of = 1;
template <class T>
  requires requires { typename detail::constant<int, T::dimensions>; }
inline constexpr int dimensions_of<T> = T::dimensions;

// How many units a Shard policy gathers ahead of the one that is entered.
template <class S>
inline constexpr int prefetch_of = 1;
template <class S>
  requires requires { typename detail::constant<int, S::prefetch>; }
inline constexpr int prefetch_of<S> = S::prefetch;

}  // namespace ashlar
