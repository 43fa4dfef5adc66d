// The square root as a constant expression, which std::sqrt is not before C++26.
#pragma once

namespace ashlar::nn {

// Newton's iteration from above falls until it meets the rounded root, so it ends by itself. For x > 0.
constexpr double square_root(double x) {
  double root = x > 1 ? x : 1;
  for (double next = (root + x / root) / 2; next < root; next = (root + x / root) / 2) root = next;
  return root;
}

static_assert(square_root(4) == 2 && square_root(0.25) == 0.5 && square_root(1) == 1);

}  // namespace ashlar::nn
