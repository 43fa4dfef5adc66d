// Sgd against its formula written out, in double.
#include <ATen/ATen.h>

#include <array>

#include <ashlar/optim/sgd.hpp>

#include "support/catch.hpp"

using namespace ashlar;

namespace {

// Three steps of velocity = momentum * velocity + gradient, and of what nesterov looks ahead.
void compare(const optim::Sgd& sgd, bool decays) {
  const Tensor master = at::linspace(-1, 1, 7, at::kDouble);
  const std::array<Tensor, 1> states{at::zeros_like(master)};
  Tensor expected = master.clone(), velocity = at::zeros_like(master);
  for (long step = 1; step <= 3; ++step) {
    const Tensor grad = (at::arange(7, at::kDouble) + static_cast<double>(step)).sin();
    Tensor slope = grad + (decays ? sgd.weight_decay : 0.0) * expected;
    velocity = sgd.momentum * velocity + slope;
    if (sgd.nesterov)
      slope = slope + sgd.momentum * velocity;
    else if (sgd.momentum != 0)
      slope = velocity;
    expected = expected - 0.05 * slope;

    sgd.update(master, grad, states, 0.05, decays, step);
    REQUIRE(at::allclose(master, expected, 1e-14, 1e-14));
  }
}

}  // namespace

TEST_CASE("Sgd with momentum") {
  compare({.momentum = 0.9}, false);
  compare({.momentum = 0.9, .weight_decay = 0.1}, true);
  compare({.momentum = 0.9, .weight_decay = 0.1, .nesterov = true}, true);
}

TEST_CASE("Sgd without momentum") {
  compare({.momentum = 0}, false);
  compare({.momentum = 0, .weight_decay = 0.1}, true);
}

TEST_CASE("Sgd decays what decays only") {
  compare({.momentum = 0.9, .weight_decay = 0.1}, false);
}
