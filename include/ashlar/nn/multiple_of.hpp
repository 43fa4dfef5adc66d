// multiple_of: as a concept, so that the sentence of a static_assert stands first in a compiler's error.
#pragma once

namespace ashlar::nn {

template <long number, long of>
concept multiple_of = number % of == 0;

}  // namespace ashlar::nn
