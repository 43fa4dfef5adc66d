// What every policy has: a name and constants, which the compiler can read.
#pragma once

#include <ashlar/cxx20.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>

namespace ashlar {

// A policy whose header is missing is declared at most: its concepts would all say no, for the wrong reason.
template <class P>
concept complete_type = std::is_void_v<P> || requires { sizeof(P); };

namespace detail {
// Of &P::name: a static member, not one that each object has of its own. g++ takes the use of such a one as a
// constant for an error, where a requirement ought to fail. So whoever asks for a constant asks first whether
// the member is there, then whether it is shared, and last for its value.
template <class Pointer>
concept shared = !std::is_member_pointer_v<Pointer>;
}  // namespace detail

template <class P>
concept names_itself = requires {
  requires detail::shared<decltype(&P::name)>;
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
  requires requires {
    requires detail::shared<decltype(&T::dimensions)>;
    typename detail::constant<int, T::dimensions>;
  }
inline constexpr int dimensions_of<T> = T::dimensions;

// Whoever says how many says it as a constant.
template <class T>
concept counts_dimensions = !requires { T::dimensions; } || requires {
  requires detail::shared<decltype(&T::dimensions)>;
  typename detail::constant<int, T::dimensions>;
  requires T::dimensions >= 1;
};

// How many units a Shard policy gathers ahead of the one that is entered.
template <class S>
inline constexpr int prefetch_of = 1;
template <class S>
  requires requires {
    requires detail::shared<decltype(&S::prefetch)>;
    typename detail::constant<int, S::prefetch>;
  }
inline constexpr int prefetch_of<S> = S::prefetch;

}  // namespace ashlar
