// Walks a model's members, at compile time and at run time with the same code.
#pragma once

#include <array>
#include <boost/hana/accessors.hpp>
#include <boost/hana/core/to.hpp>
#include <boost/hana/first.hpp>
#include <boost/hana/for_each.hpp>
#include <boost/hana/second.hpp>
#include <boost/hana/string.hpp>
#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <ashlar/model/kinds.hpp>

namespace ashlar {

// A dotted name such as "blocks.11.attention.query.weight", usable in constant expressions.
struct Name {
  std::array<char, 120> text{};
  std::size_t size = 0;

  constexpr Name() = default;
  constexpr Name(std::string_view s) { append(s); }

  constexpr void append(std::string_view s) {
    if (s.size() > text.size() - size)
      throw std::length_error(
          "[ashlar.model.7] expected dotted names of at most 120 characters, got a longer one: "
          "shorten the names of members");
    for (const char c : s) text[size++] = c;
  }
  constexpr Name dot(std::string_view part) const {
    Name name = *this;
    if (size > 0) name.append(".");
    name.append(part);
    return name;
  }
  constexpr Name dot(std::size_t index) const {
    std::array<char, 20> digits{};
    std::size_t at = digits.size();
    do digits[--at] = static_cast<char>('0' + index % 10);
    while ((index /= 10) > 0);
    return dot(std::string_view(digits.data() + at, digits.size() - at));
  }
  constexpr std::string_view view() const { return {text.data(), size}; }
};

// Calls f(name, member) for each declared member of a module, in the order of declaration.
template <declared_module M>
constexpr void for_each_member(M& module, auto&& f) {
  boost::hana::for_each(boost::hana::accessors<std::remove_const_t<M>>(), [&](const auto& member) {
    f(std::string_view(boost::hana::to<const char*>(boost::hana::first(member))),
      boost::hana::second(member)(module));
  });
}

// Calls visit(name, child) for each direct child: members, with lists replaced by their elements and Frozen
// by what it holds. `visit` receives parameters, buffers, tied references, declared modules and torch
// modules.
template <declared_module M>
constexpr void for_each_child(M& module, const Name& name, auto&& visit) {
  for_each_member(module, [&](std::string_view part, auto& member) {
    if constexpr (layer_list<std::remove_reference_t<decltype(member)>>) {
      for (std::size_t i = 0; i < member.size(); ++i) visit(name.dot(part).dot(i), member[i]);
    } else {
      visit(name.dot(part), member);
    }
  });
}

// The types of a tree: whether `test.template operator()<T>()` holds for M or any type below it.
template <class M>
consteval bool any_type(auto test) {
  if (test.template operator()<M>()) return true;
  bool found = false;
  if constexpr (layer_list<M>) {
    found = any_type<typename M::value_type>(test);
  } else if constexpr (declared_module<M>) {
    boost::hana::for_each(boost::hana::accessors<M>(), [&](auto member) {
      using Member = std::remove_cvref_t<decltype(boost::hana::second(member)(std::declval<M&>()))>;
      found = found || any_type<Member>(test);
    });
  }
  return found;
}

// Whether a T occurs in the tree of M (M itself included).
template <class M, class T>
inline constexpr bool contains = any_type<M>([]<class U>() { return std::is_same_v<U, T>; });

// Whether T is that of a module below M: M itself is none, nor is a list, a parameter or a tied reference.
template <class M, class T>
inline constexpr bool occurs_below =
    (declared_module<T> || torch_module<T>)&&!std::is_same_v<M, T> && contains<M, T>;

// How many modules of type T are in the tree of M (M itself included).
template <class M, class T>
consteval std::size_t occurrences() {
  if constexpr (std::same_as<M, T>) {
    return 1;
  } else if constexpr (layer_list<M>) {
    return std::tuple_size_v<M> * occurrences<typename M::value_type, T>();
  } else if constexpr (declared_module<M>) {
    std::size_t count = 0;
    boost::hana::for_each(boost::hana::accessors<M>(), [&](auto member) {
      count +=
          occurrences<std::remove_cvref_t<decltype(boost::hana::second(member)(std::declval<M&>()))>, T>();
    });
    return count;
  } else {
    return 0;
  }
}

template <class M, class T>
concept occurs_once = occurrences<M, T>() == 1;

// Whether T is a repeated layer of M: the element of a list that lies in no other list.
template <class M, class T>
consteval bool repeats() {
  bool found = false;
  if constexpr (layer_list<M>) {
    found = std::is_same_v<typename M::value_type, T>;
  } else if constexpr (declared_module<M>) {
    boost::hana::for_each(boost::hana::accessors<M>(), [&](auto member) {
      found = found ||
              repeats<std::remove_cvref_t<decltype(boost::hana::second(member)(std::declval<M&>()))>, T>();
    });
  }
  return found;
}

// Whether some module in the tree of M is tied to the parameters of a T.
template <class M, class T>
inline constexpr bool ties = any_type<M>([]<class U>() {
  if constexpr (tied<U>)
    return std::is_same_v<typename U::tied_owner, T>;
  else
    return false;
});

}  // namespace ashlar
