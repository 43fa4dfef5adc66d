// AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).
#pragma once

#include <array>
#include <span>
#include <string_view>

#include <ashlar/concepts/optimizer.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar::optim {

struct AdamW {
  static constexpr std::string_view name = "AdamW";
  static constexpr int states = 2;  // first and second moment
  static constexpr std::array<std::string_view, 2> state_names{"exp_avg", "exp_avg_sq"};

  double learning_rate = 3e-4;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;  // of parameters with two or more dimensions

  constexpr auto settings() const {
    return std::array{Setting{"beta1", beta1, 0, 1}, Setting{"beta2", beta2, 0, 1},
                      Setting{"epsilon", epsilon, 0}, Setting{"weight_decay", weight_decay, 0}};
  }

  // Updates `master` and `states` (all 1D, of equal length and type) in place. `rate` replaces learning_rate,
  // as the schedule has it; `step` counts from 1; without `decays` weight decay is left out.
  void update(const Tensor& master, const Tensor& grad, std::span<const Tensor> states, double rate,
              bool decays, long step) const;

  // Whether update_fused takes such a master, on a GPU, in a build with kernels: float32, or the rest of a
  // split one.
  static bool fuses(const Tensor& master);
  // The same in one pass, which multiplies `grad` by a factor and writes `master` in bfloat16 to `compute`
  // where that is defined; of a split one, `compute` is the upper half. `now`: rate, factor and step,
  // float32, on the GPU; with a factor of NaN it writes nothing.
  void update_fused(const Tensor& master, const Tensor& grad, std::span<const Tensor> states,
                    const Tensor& compute, const Tensor& now, bool decays) const;

  // The same on the host, of a master in float32 or the rest of a split one, on all threads: what update()
  // does after a gradient was multiplied by `factor`, but for numbers below 1.2e-38, which count as zero.
  void update_on_host(const Tensor& master, const Tensor& grad, std::span<const Tensor> states,
                      const Tensor& compute, double rate, float factor, bool decays, long step) const;
};

}  // namespace ashlar::optim
