// Walks a model's members, at compile time and at run time with the same code.
#pragma once

#include <array>
#include <boost/hana/accessors.hpp>
#include <boost/hana/at.hpp>
#include <boost/hana/core/to.hpp>
#include <boost/hana/first.hpp>
#include <boost/hana/second.hpp>
#include <boost/hana/string.hpp>
#include <boost/hana/tuple.hpp>
#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>

#include <ashlar/model/kinds.hpp>

namespace ashlar {

// A dotted name such as "blocks.11.attention.query.weight", usable in constant expressions.
struct Name {
  char text[120]{};
  std::size_t size = 0;

  constexpr Name() = default;
  constexpr Name(std::string_view s) { append(s); }

  constexpr void append(std::string_view s) {
    if (s.size() > sizeof text - size)
      throw std::length_error(
          "[ashlar.model.7] expected dotted names of at most 120 characters, got a longer one: "
          "shorten the names of members");
    const char* const from = s.data();  // one call, because each is dear to a compiler that evaluates it
    char* const to = text + size;
    for (std::size_t i = 0; i < s.size(); ++i) to[i] = from[i];
    size += s.size();
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
  constexpr std::string_view view() const { return {text, size}; }
};

// Stands for a Name where nobody reads it: a Name is dear in a constant expression.
struct Unnamed {
  constexpr Unnamed dot(const auto&) const { return {}; }
};

// Types alone.
template <class... Types>
struct TypeList {
  static constexpr std::size_t size = sizeof...(Types);
};

namespace detail {

// The members that a module declares, read from its Hana accessors once for each type of module. If each walk
// ran Hana's own algorithms over them, instantiating those would be most of the time to compile a trainer.
template <class M>
struct Members {
  static constexpr auto accessors = boost::hana::accessors<M>();

  template <class... Accessors>
  static auto types_of(const boost::hana::tuple<Accessors...>&) -> TypeList<std::remove_cvref_t<
      decltype(boost::hana::second(std::declval<const Accessors&>())(std::declval<M&>()))>...>;
  using types = decltype(types_of(accessors));

  template <class... Accessors>
  static consteval bool any_constant(const boost::hana::tuple<Accessors...>&) {
    return (std::is_const_v<std::remove_reference_t<decltype(boost::hana::second(
                std::declval<const Accessors&>())(std::declval<M&>()))>> ||
            ...);
  }
  static constexpr bool constant = any_constant(accessors);

  template <std::size_t i>
  static constexpr std::string_view name =
      boost::hana::to<const char*>(boost::hana::first(boost::hana::at_c<i>(accessors)));
  template <std::size_t i>
  static constexpr auto& get(auto& module) {
    return boost::hana::second(boost::hana::at_c<i>(accessors))(module);
  }
};

// Collects the types below a module, each once. `Found`: those it has met. `Ahead`: those it has still to
// look at.
template <class Found, class... Ahead>
struct Tree {
  using types = Found;
};
template <class... Found, class T, class... Ahead>
struct Tree<TypeList<Found...>, T, Ahead...> {
  template <class... Members>
  static consteval auto enter(TypeList<Members...>) {
    return Tree<TypeList<Found..., T>, Members..., Ahead...>();
  }
  template <class List>
  static consteval auto elements() {
    if constexpr (std::tuple_size_v<List> > 0)
      return TypeList<typename List::value_type>();
    else
      return TypeList<>();
  }
  static consteval auto next() {
    if constexpr ((std::is_same_v<T, Found> || ...))
      return Tree<TypeList<Found...>, Ahead...>();
    else if constexpr (layer_list<T>)
      return enter(elements<T>());
    else if constexpr (declared_module<T>)
      return enter(typename detail::Members<T>::types());
    else
      return enter(TypeList<>());
  }
  using types = typename decltype(next())::types;
};

template <class Test, class... Types>
consteval bool any_of(Test test, TypeList<Types...>) {
  return (test.template operator()<Types>() || ...);
}

}  // namespace detail

// The types of the members that a module declares, in the order of declaration.
template <declared_module M>
using member_types = typename detail::Members<std::remove_const_t<M>>::types;

// M and all types below it, each once, in the order in which they are met.
template <class M>
using types_below = typename detail::Tree<TypeList<>, M>::types;

// Calls f(name, member) for each declared member of a module, in the order of declaration.
template <declared_module M>
constexpr void for_each_member(M& module, auto&& f) {
  using Members = detail::Members<std::remove_const_t<M>>;
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    (f(Members::template name<i>, Members::template get<i>(module)), ...);
  }(std::make_index_sequence<Members::types::size>());
}

// Calls visit(name, element) for what is no list itself: `member`, or all that the list holds.
constexpr void for_each_element(auto& member, const auto& name, auto&& visit) {
  if constexpr (layer_list<std::remove_reference_t<decltype(member)>>)
    for (std::size_t i = 0; i < member.size(); ++i) for_each_element(member[i], name.dot(i), visit);
  else
    visit(name, member);
}

// Calls visit(name, child) for each direct child: members, with lists replaced by their elements. `visit`
// receives parameters, buffers, tied references, declared modules and torch modules.
template <declared_module M>
constexpr void for_each_child(M& module, const auto& name, auto&& visit) {
  for_each_member(
      module, [&](std::string_view part, auto& member) { for_each_element(member, name.dot(part), visit); });
}

// Whether `test.template operator()<T>()` holds for M or any type below it.
template <class M>
consteval bool any_type(auto test) {
  return detail::any_of(test, types_below<M>());
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
    return []<class... Members>(TypeList<Members...>) {
      return (occurrences<Members, T>() + ... + 0);
    }(member_types<M>());
  } else {
    return 0;
  }
}

template <class M, class T>
concept occurs_once = occurrences<M, T>() == 1;

// Whether T is a repeated layer of M: the element of a list that lies in no repeated layer.
template <class M, class T>
consteval bool repeats() {
  if constexpr (lists_modules<M>) {
    using Element = typename M::value_type;
    if constexpr (layer_list<Element>)
      return repeats<Element, T>();
    else
      return std::is_same_v<Element, T>;
  } else if constexpr (declared_module<M>) {
    return []<class... Members>(TypeList<Members...>) {
      return (repeats<Members, T>() || ...);
    }(member_types<M>());
  } else {
    return false;
  }
}

// Whether some module in the tree of M is tied to the parameters of a T.
template <class M, class T>
inline constexpr bool ties = any_type<M>([]<class U>() {
  if constexpr (tied<U>)
    return std::is_same_v<typename U::tied_owner, T>;
  else
    return false;
});

// Whether parameters of a T below M are used outside of it, too, through a reference that is tied to the T,
// to a part of it, or to what it is a part of.
template <class M, class T>
inline constexpr bool tied_elsewhere = any_type<M>([]<class U>() {
  if constexpr (tied<U>) {
    using Owner = typename U::tied_owner;
    return (contains<T, Owner> || contains<Owner, T>)&&!contains<T, U>;
  } else {
    return false;
  }
});

}  // namespace ashlar
