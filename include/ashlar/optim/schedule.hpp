// Learning-rate schedules: a factor on the optimizer's learning rate, a function of the step alone.
#pragma once

#include <ashlar/cxx20.hpp>

#include <cmath>
#include <numbers>

namespace ashlar::optim {

// Linear warm-up over `warmup` steps, then half a cosine down to `floor` at step `total` (Loshchilov and
// Hutter 2017, without restarts); `floor` from there on. With total = 0 the factor stays 1 after the warm-up.
struct Cosine {
  long warmup = 0;
  long total = 0;
  double floor = 0.1;

  // `step` counts from 0.
  double factor(long step) const {
    if (step < warmup) return static_cast<double>(step + 1) / static_cast<double>(warmup);
    if (total <= warmup) return 1;
    if (step >= total) return floor;
    const double done = static_cast<double>(step - warmup) / static_cast<double>(total - warmup);
    return floor + 0.5 * (1 - floor) * (1 + std::cos(std::numbers::pi * done));
  }
};

}  // namespace ashlar::optim
