// What a Wrap policy must provide: which modules are units, gathered, reduced and freed together.
//
//   WholeModel       the model is one unit
//   Each<Types...>   every module of these types is a unit
//   BySize<bytes>    every module that holds at least so many bytes of parameters of its own is a unit
//
//   intuition   a predicate on types: a unit is chosen by what a module is, never by its name at run time.
//   needs       name; starts_unit<Model, T>(): whether a module of type T below Model is a unit;
//               applies<Model>(): whether the policy can be honoured for this model at all;
//               modules, where it names types: each once, and each that of a module below the model;
//               least_bytes, where it names a size: at least 1.
//   laws        the model itself is the root unit; every parameter is in exactly one unit, the innermost that
//               holds it; units come in the order of declaration; tied parameters stay in one unit
//               (laws/wrap.hpp checks them).
#pragma once

#include <ashlar/concepts/policy.hpp>

namespace ashlar {

template <class W>
concept says_what_starts_a_unit = requires {
  { W::template starts_unit<int, int>() } -> std::same_as<bool>;
};

template <class P>
concept says_where_it_applies = requires {
  { P::template applies<int>() } -> std::same_as<bool>;
};

template <class W>
concept wrap_like = names_itself<W> || says_what_starts_a_unit<W>;

template <class W>
concept wrap_policy = names_itself<W> && says_what_starts_a_unit<W> && says_where_it_applies<W>;

}  // namespace ashlar
