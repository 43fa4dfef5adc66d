// A trainer of one process beside the plain loop, on one small batch.
#pragma once

#include <ATen/ATen.h>

#include <cstddef>

#include <ashlar/optim/sgd.hpp>
#include <ashlar/trainer.hpp>

#include "support/catch.hpp"
#include "support/reference.hpp"

namespace ashlar::test {

inline constexpr Recipe recipe{.seed = 3, .micro_batches = 2};
inline constexpr optim::Sgd sgd{.learning_rate = 0.2};

struct Batch {
  Tensor x = at::arange(24, at::kFloat).view({4, 6}).sin(), y = x.sum(1, true).cos();
};

// Three steps of a trainer and of a Reference, made with the recipe above, have the same losses and leave the
// same parameters.
void check_steps(auto& trainer, auto& plain) {
  const Batch batch;
  for (int step = 0; step < 3; ++step) {
    const double loss = trainer.step(batch.x, batch.y).loss;
    CHECK(loss == Catch::Approx(plain.step([&](const auto& model, int i) {
            return model.loss(batch.x.narrow(0, 2 * i, 2), batch.y.narrow(0, 2 * i, 2));
          })));
  }
  const auto got = trainer.full_parameters();
  REQUIRE(got.size() == plain.parameters().size());
  for (std::size_t k = 0; k < got.size(); ++k) {
    INFO(got[k].name);
    CHECK(at::allclose(got[k].value, plain.master(k), 1e-5, 1e-6));
  }
}

}  // namespace ashlar::test
