// gpus: 1
// AdamW and the squared norm of a flat against the same in float64, and against LibTorch's fused AdamW.
#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include <ashlar/engine/split.hpp>
#include <ashlar/kernels/adamw.hpp>
#include <ashlar/kernels/cuda_tensor.hpp>
#include <ashlar/kernels/judge.hpp>
#include <ashlar/kernels/squared_norm.hpp>

#include "kernels/compare.hpp"

namespace ashlar::test {
namespace {

using at::Tensor;

constexpr cuda::AdamWConstants constants{.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.1};
constexpr double rate = 1e-2;

Tensor scalar(double value) {
  return at::full({}, value, at::TensorOptions().device(at::kCUDA).dtype(at::kFloat));
}

struct State {
  Tensor master, exp_avg, exp_avg_sq;  // of a split master the rest

  State to(c10::Device device, at::ScalarType type) const {
    return {master.to(device, type, false, true), exp_avg.to(device, type, false, true),
            exp_avg_sq.to(device, type, false, true)};
  }
};

State start(long numel) {
  const auto gpu = [](const Tensor& x) { return x.to(at::kCUDA, at::kFloat); };
  return {gpu(waves({numel}, 0.7)), gpu(at::zeros({numel})), gpu(at::zeros({numel}))};
}

void update(State& s, const Tensor& gradient, const Tensor& compute, double factor, long step,
            double by = rate) {
  const Tensor rates = scalar(by), factors = scalar(factor), steps = scalar(static_cast<double>(step));
  const cuda::StepValues now{rates.data_ptr<float>(), factor == 1 ? nullptr : factors.data_ptr<float>(),
                             steps.data_ptr<float>()};
  const bool splits = s.master.scalar_type() == at::kShort;
  cuda::adamw(splits ? nullptr : s.master.data_ptr<float>(),
              splits ? s.master.data_ptr<std::int16_t>() : nullptr, gradient.const_data_ptr(),
              cuda::type_of(gradient), s.exp_avg.data_ptr<float>(), s.exp_avg_sq.data_ptr<float>(),
              compute.defined() ? compute.data_ptr() : nullptr, gradient.numel(), now, constants,
              cuda::stream_of(gradient));
}

// Loshchilov and Hutter 2019, algorithm 2.
void update_exactly(State& s, const Tensor& gradient, double factor, long step) {
  const auto [beta1, beta2, epsilon, decay] = constants;
  const Tensor g = gradient.to(at::kCPU, at::kDouble) * factor;
  s.exp_avg = beta1 * s.exp_avg + (1 - beta1) * g;
  s.exp_avg_sq = beta2 * s.exp_avg_sq + (1 - beta2) * g * g;
  const Tensor mean = s.exp_avg / (1 - std::pow(beta1, step)),
               square = s.exp_avg_sq / (1 - std::pow(beta2, step));
  s.master = s.master - rate * decay * s.master - rate * mean / (square.sqrt() + epsilon);
}

Tensor gradient_of(long numel, int step, at::ScalarType type) {
  return (waves({numel}, 0.37 + 0.01 * step) * 1e-3).to(at::kCUDA, type);
}

TEST_CASE("adamw is its formula, step by step") {
  for (const auto type : {at::kFloat, at::kBFloat16})
    for (const long numel : {1L, 6L, 255L, 4096L, 100003L})
      for (const double factor : {1.0, 0.37}) {
        INFO(at::toString(type) << " " << numel << ", factor " << factor);
        State got = start(numel), exact = got.to(at::kCPU, at::kDouble);
        const Tensor compute = at::empty({numel}, got.master.options().dtype(at::kBFloat16));
        for (int step = 1; step <= 5; ++step) {
          const Tensor gradient = gradient_of(numel, step, type);
          update(got, gradient, compute, factor, step);
          update_exactly(exact, gradient, factor, step);
        }
        // Five steps of a few roundings each.
        close(got.master, exact.master);
        close(got.exp_avg, exact.exp_avg);
        close(got.exp_avg_sq, exact.exp_avg_sq);
        CHECK(compute.equal(got.master.to(at::kBFloat16)));
      }
}

TEST_CASE("adamw is LibTorch's, late in training too, and leaves out the copy where none is wanted") {
  const long numel = 10007;
  for (const long step : {1L, 2L, 1000L, 1000000L}) {
    INFO("step " << step);
    State got = start(numel);
    got.exp_avg.add_(1e-4);
    got.exp_avg_sq.add_(1e-6);
    State theirs = got.to(at::kCUDA, at::kFloat);
    const Tensor gradient = gradient_of(numel, 1, at::kFloat);
    update(got, gradient, {}, 1, step);
    at::_fused_adamw_({theirs.master}, {gradient}, {theirs.exp_avg}, {theirs.exp_avg_sq}, {},
                      {scalar(static_cast<double>(step))}, rate, constants.beta1, constants.beta2,
                      constants.weight_decay, constants.epsilon, false, false);
    close(got.master, theirs.master);
    close(got.exp_avg, theirs.exp_avg);
    close(got.exp_avg_sq, theirs.exp_avg_sq);
  }
}

TEST_CASE("adamw on a split master is adamw on a whole one, bit for bit") {
  for (const long numel : {1L, 6L, 255L, 4096L, 100003L})
    for (const double factor : {1.0, 0.37}) {
      INFO(numel << ", factor " << factor);
      State whole = start(numel);
      const auto [compute, rest] = split(whole.master);
      State halves{rest, whole.exp_avg.clone(), whole.exp_avg_sq.clone()};
      const Tensor rounded = at::empty_like(compute);
      for (int step = 1; step <= 5; ++step) {
        const Tensor gradient = gradient_of(numel, step, at::kFloat);
        update(whole, gradient, rounded, factor, step);
        update(halves, gradient, compute, factor, step);
        REQUIRE(join({compute, halves.master}).equal(whole.master));
        REQUIRE(compute.equal(split(whole.master).compute));
      }
      CHECK(halves.exp_avg.equal(whole.exp_avg));
      CHECK(halves.exp_avg_sq.equal(whole.exp_avg_sq));
    }
}

TEST_CASE("adamw splits a master as split() does: halfway, infinite or not a number") {
  const Tensor upper = at::arange(1 << 16, at::kLong).mul_(1 << 16).unsqueeze(1),
               lower = at::tensor({0x0000, 0x7fff, 0x8000, 0xffff}, at::kLong);
  const Tensor masters = (upper + lower).flatten().to(at::kInt).view(at::kFloat).to(at::kCUDA);
  const auto [compute, rest] = split(masters);
  const Tensor zero = at::zeros_like(masters);
  State s{rest.clone(), zero.clone(), zero.clone()};
  const Tensor again = compute.clone();
  update(s, zero, again, 1, 1, /*by=*/0);
  CHECK(s.master.equal(rest));
  CHECK(again.view(at::kShort).equal(compute.view(at::kShort)));
}

TEST_CASE("add_squares adds in double, the same each time") {
  for (const auto type : {at::kFloat, at::kBFloat16})
    for (const long numel : {0L, 1L, 7L, 4096L, 1000003L, 5000000L}) {
      INFO(at::toString(type) << " " << numel);
      const Tensor x = waves({numel}, 0.7).to(at::kCUDA, type);
      const auto doubles = x.options().dtype(at::kDouble);
      const auto squares = [&] {
        const Tensor sum = at::full({}, 0.5, doubles), partial = at::empty({cuda::square_parts}, doubles);
        cuda::add_squares(x.const_data_ptr(), partial.data_ptr<double>(), sum.data_ptr<double>(), numel,
                          cuda::type_of(x), cuda::stream_of(x));
        return sum.item<double>();
      };
      const double exact = 0.5 + x.to(at::kDouble).square().sum().item<double>();
      CHECK(std::abs(squares() - exact) <= 1e-13 * exact);
      CHECK(squares() == squares());
    }
  // Beyond float32's range.
  const Tensor large = at::full({1000}, 1e30, at::TensorOptions().device(at::kCUDA).dtype(at::kFloat));
  const auto doubles = large.options().dtype(at::kDouble);
  const Tensor sum = at::zeros({}, doubles), partial = at::empty({cuda::square_parts}, doubles);
  cuda::add_squares(large.const_data_ptr(), partial.data_ptr<double>(), sum.data_ptr<double>(), 1000,
                    dtype::f32, cuda::stream_of(large));
  CHECK(std::abs(sum.item<double>() - 1e63) <= 1e56);
}

TEST_CASE("adamw with a factor of NaN changes nothing") {
  for (const long numel : {1L, 4096L}) {
    State s = start(numel);
    const State before = s.to(at::kCUDA, at::kFloat);
    const Tensor compute = at::zeros({numel}, s.master.options().dtype(at::kBFloat16));
    update(s, gradient_of(numel, 1, at::kFloat), compute, std::numeric_limits<double>::quiet_NaN(), 1);
    CHECK(s.master.equal(before.master));
    CHECK(s.exp_avg.equal(before.exp_avg));
    CHECK(s.exp_avg_sq.equal(before.exp_avg_sq));
    CHECK(compute.equal(at::zeros_like(compute)));
  }
}

double judged(double loss, double square, double rows, double squared_rows, double clip_norm, int ranks) {
  const Tensor sums = at::tensor({loss, square, rows, squared_rows}, at::kDouble).to(at::kCUDA);
  const Tensor factor = scalar(7);
  cuda::judge(sums.const_data_ptr<double>(), sums.const_data_ptr<double>() + 1, factor.data_ptr<float>(),
              clip_norm, ranks, cuda::stream_of(sums));
  return factor.item<double>();
}

TEST_CASE("a step's factor clips, and is NaN where the step does not count") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                   inf = std::numeric_limits<double>::infinity();
  CHECK(judged(1, 4, 8, 32, 1, 2) == static_cast<double>(1 / (2.0f + 1e-6f)));
  CHECK(judged(1, 4, 8, 32, 5, 2) == 1);
  CHECK(judged(1, 4, 8, 32, inf, 2) == 1);
  CHECK(judged(1, 0, 8, 32, 1, 2) == 1);
  CHECK(std::isnan(judged(nan, 4, 8, 32, 1, 2)));
  CHECK(std::isnan(judged(inf, 4, 8, 32, 1, 2)));
  CHECK(std::isnan(judged(1, nan, 8, 32, 1, 2)));
  CHECK(std::isnan(judged(1, inf, 8, 32, inf, 2)));
  CHECK(std::isnan(judged(1, 4, 8, 34, 1, 2)));  // of rows 3 and 5
}

}  // namespace
}  // namespace ashlar::test
