// What a member of a model can be. Everything that walks a model asks these concepts and nothing else.
#pragma once

#include <array>
#include <boost/hana/concept/struct.hpp>
#include <type_traits>

#include <ashlar/nn/parameter.hpp>

namespace ashlar {

namespace detail {
template <class T>
inline constexpr bool is_parameter = false;
template <long... dims>
inline constexpr bool is_parameter<nn::Parameter<dims...>> = true;

template <class T>
inline constexpr bool is_buffer = false;
template <long... dims>
inline constexpr bool is_buffer<nn::Buffer<dims...>> = true;

template <class T>
inline constexpr bool is_list = false;
template <class T, std::size_t n>
inline constexpr bool is_list<std::array<T, n>> = true;
}  // namespace detail

template <class T>
concept parameter = detail::is_parameter<std::remove_const_t<T>>;

template <class T>
concept buffer = detail::is_buffer<std::remove_const_t<T>>;

// Repeated layers: std::array<Block, 12>. Its elements are children, it is none itself. They may be
// lists, too.
template <class T>
concept layer_list = detail::is_list<std::remove_const_t<T>>;

// Another module's parameters, used again here: nn::Tied<Owner>.
template <class T>
concept tied = requires { typename std::remove_const_t<T>::tied_owner; };

// Everything below is used but not trained: nn::Frozen<Module>.
template <class T>
concept frozen = requires { typename std::remove_const_t<T>::frozen_module; };

// An ordinary torch::nn module, by holder or shared_ptr. Its shapes are known at run time only.
template <class T>
concept torch_module = requires(T& t) {
  t->named_parameters();
  t->named_buffers();
};

// A struct that declares its children and parameters with BOOST_HANA_DEFINE_STRUCT.
template <class T>
concept declared_module = boost::hana::Struct<std::remove_const_t<T>>::value && !parameter<T> && !buffer<T>;

// A list with at least one module in it, which may lie in a list of its own.
template <class T>
inline constexpr bool lists_modules = false;
template <class T, std::size_t n>
inline constexpr bool lists_modules<std::array<T, n>> = n > 0 && (declared_module<T> || torch_module<T> ||
                                                                  lists_modules<T>);

}  // namespace ashlar
