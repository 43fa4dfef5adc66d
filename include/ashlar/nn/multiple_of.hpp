// multiple_of: what the heads of an attention must divide, as a concept, so that the sentence of a
// static_assert stands first in a compiler's error.
#pragma once

#include <ashlar/cxx20.hpp>

namespace ashlar::nn {

template <long number, long of>
concept multiple_of = of > 0 && number > 0 && number % of == 0;

// In a function: clang takes a class whose own static_assert failed for no class, and would add an error
// wherever it is used.
template <long dim, long heads>
consteval bool explain_heads() {
  static_assert(multiple_of<dim, heads>,
                "[ashlar.nn.2] dim must be a multiple of heads: change one of the two");
  return true;
}

// With rotary positions, and fewer keys and values than queries.
template <long dim, long heads, long kv_heads>
consteval bool explain_heads() {
  if constexpr (!multiple_of<dim, heads>)
    return explain_heads<dim, heads>();
  else if constexpr (!multiple_of<dim / heads, 2>)
    static_assert(multiple_of<dim / heads, 2>,
                  "[ashlar.nn.3] rotary positions turn pairs: make dim / heads even");
  else
    static_assert(multiple_of<heads, kv_heads>,
                  "[ashlar.nn.4] heads must be a multiple of kv_heads: change one of the two");
  return true;
}

}  // namespace ashlar::nn
