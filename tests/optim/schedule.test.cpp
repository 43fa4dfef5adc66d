// Cosine at steps whose factor can be worked out by hand.
// libtorch: no
#include <ashlar/optim/schedule.hpp>

#include <cmath>

#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Approx;

TEST_CASE("the warm-up rises to 1 in equal steps, and half a cosine falls to the floor") {
  const optim::Cosine cosine{.warmup = 4, .total = 12, .floor = 0.1};
  CHECK(cosine.factor(0) == 0.25);
  CHECK(cosine.factor(2) == 0.75);
  CHECK(cosine.factor(3) == 1);
  CHECK(cosine.factor(4) == 1);
  CHECK(cosine.factor(6) == Approx(0.1 + 0.45 * (1 + std::sqrt(0.5))));
  CHECK(cosine.factor(8) == Approx(0.55));
  CHECK(cosine.factor(11) > 0.1);
  CHECK(cosine.factor(12) == 0.1);
  CHECK(cosine.factor(1000) == 0.1);
}

TEST_CASE("without a total, or with one within the warm-up, the factor stays 1") {
  CHECK(optim::Cosine{}.factor(0) == 1);
  CHECK(optim::Cosine{.warmup = 2}.factor(0) == 0.5);
  for (const long step : {1L, 2L, 1000L}) CHECK(optim::Cosine{.warmup = 2}.factor(step) == 1);
  CHECK(optim::Cosine{.warmup = 5, .total = 3}.factor(3) == Approx(0.8));
  CHECK(optim::Cosine{.warmup = 5, .total = 3}.factor(9) == 1);
}

}  // namespace
}  // namespace ashlar
