#include <ashlar/engine/sums.hpp>

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <string>

#include <ashlar/engine/intact.hpp>

namespace ashlar {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// `sum`: one that is NaN if a rank has a breach, and only then.
void check_breach(double sum, const std::optional<Error>& breach) {
  if (std::isnan(sum)) throw breach ? *breach : breach_elsewhere();
}

}  // namespace

void run_backward(const Tensor& loss, double factor) {
  loss.backward(at::full({}, factor, loss.options()));
}

Counts::Counts(std::size_t units, c10::Device device) {
  const auto options = at::TensorOptions().dtype(at::kDouble).device(device);
  numbers_ = at::zeros({5 + static_cast<long>(units)}, options);
  loss_ = at::zeros({}, options);
}

void Counts::add_loss(const Tensor& micro_batch) {
  loss_.add_(micro_batch.detach());
}

Tensor Counts::square(std::size_t unit) const {
  return numbers_[5 + static_cast<long>(unit)];
}

Tensor Counts::told(int micro_batches, long rows, bool breach, bool wrote) const {
  numbers_[0].copy_(loss_ / micro_batches);
  const Tensor told = numbers_.narrow(0, 0, 5);
  Tensor square = told[1];
  at::sum_out(square, numbers_.narrow(0, 5, numbers_.size(0) - 5), at::IntArrayRef{0});
  const double count = static_cast<double>(rows) + (wrote ? 0.5 : 0);
  told[2].fill_(count);
  told[3].fill_(breach ? nan : count * count);
  told[4].copy_(square);
  return told;
}

Report report_of(const Tensor& told, int ranks, long rows, bool sharded, long step, double rate,
                 const std::optional<Error>& breach) {
  const Tensor host = told.cpu();
  const double* sums = host.const_data_ptr<double>();
  check_breach(sums[3], breach);
  if (ranks * sums[3] != sums[2] * sums[2])
    throw Error("train.8", "the same number of rows on every rank",
                std::to_string(rows) + " of " + std::to_string(std::lround(sums[2])) + " on this one",
                "give every rank an equal part of the batch, or weight your own objective");
  return {.step = step,
          .loss = sums[0] / ranks,
          .gradient_norm = std::sqrt(sums[sharded ? 1 : 4]),
          .learning_rate = rate};
}

std::optional<Error> unequal_writes(const Tensor& told, int ranks, long rows) {
  const Tensor host = told.cpu();
  const double* sums = host.const_data_ptr<double>();
  const double own = static_cast<double>(rows), halves = sums[2] - ranks * own;
  // Were rows unequal, too, train.8 would say so.
  if (halves <= 0 || 2 * halves >= ranks || sums[3] != ranks * own * own + halves * (2 * own + 0.5))
    return std::nullopt;
  return Error(
      "parameter.8", "a write into parameters between steps by every rank alike",
      "one by " + std::to_string(std::lround(2 * halves)) + " of " + std::to_string(ranks) + " ranks",
      "write on every rank, or load values before make(), which takes rank 0's");
}

Tensor weighted(const Tensor& value, long weight, bool breach) {
  Tensor sums = at::full({2}, breach ? nan : static_cast<double>(weight), value.options().dtype(at::kDouble));
  sums[0] *= value;
  return sums;
}

double mean_of(const Tensor& sums, const std::optional<Error>& breach) {
  const double weight = sums[1].item().toDouble();
  check_breach(weight, breach);
  return sums[0].item().toDouble() / weight;
}

void set_time(const Tensor& now, double rate, long step) {
  now.copy_(at::tensor({rate, 0.0, static_cast<double>(step)}, at::kFloat));
}

}  // namespace ashlar
