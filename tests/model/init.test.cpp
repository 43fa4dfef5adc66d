#include <ashlar/model/init.hpp>

#include <ATen/ATen.h>

#include <array>

#include "support/catch.hpp"

namespace ashlar {
namespace {

Tensor drawn(nn::Init init, long count, std::uint64_t seed, long first = 0) {
  const Tensor x = at::empty({count}, at::kFloat);
  fill(x, init, seed, first);
  return x;
}

double average(const Tensor& x) {
  return x.to(at::kDouble).mean().item<double>();
}

TEST_CASE("a parameter's seed depends on the run's seed and its name, and never changes") {
  static_assert(parameter_seed(1, "norm.weight") != parameter_seed(1, "norm.bias"));
  static_assert(parameter_seed(1, "norm.weight") != parameter_seed(2, "norm.weight"));
  static_assert(parameter_seed(0, "") != 0);
  // Saved runs rely on these values.
  CHECK(parameter_seed(1, "tokens.weight") == 2135485698543180652U);
  const std::array<float, 4> first{-0.97018981F, 0.19401896F, -1.23562074F, 1.92392671F};
  for (long i = 0; i < 4; ++i)
    CHECK(drawn(nn::normal(1), 4, 42)[i].item<float>() == Catch::Approx(first[std::size_t(i)]).epsilon(1e-6));
}

TEST_CASE("the words drawn are Philox4x32-10's: its published answer for seed and counter 0") {
  const Tensor x = drawn(nn::uniform(1), 4, 0);
  const std::array<std::uint32_t, 4> published{0x6627e8d5, 0xe169c58d, 0xbc57ac4c,
                                               0x9b00dbd8};  // Random123, kat_vectors
  for (long i = 0; i < 4; ++i)
    CHECK(x[i].item<float>() == static_cast<float>(2 * ((published[std::size_t(i)] + 0.5) * 0x1p-32) - 1));
}

TEST_CASE("zeros and ones are what they say") {
  CHECK(at::equal(drawn(nn::zeros(), 5, 1), at::zeros({5})));
  CHECK(at::equal(drawn(nn::ones(), 5, 1), at::ones({5})));
}

TEST_CASE("normal has the moments of a normal distribution") {
  constexpr long count = 1 << 20;  // the mean of so many is off by about 0.001 deviations
  const Tensor x = drawn(nn::normal(0.02), count, 7) / 0.02;
  CHECK(average(x) == Catch::Approx(0).margin(0.005));
  CHECK(average(x.square()) == Catch::Approx(1).margin(0.01));
  CHECK(average(x.pow(3)) == Catch::Approx(0).margin(0.02));
  CHECK(average(x.pow(4)) == Catch::Approx(3).margin(0.05));
  CHECK(average((x.abs() < 1).to(at::kFloat)) == Catch::Approx(0.6827).margin(0.002));
  const long half = count / 2;  // neighbours are independent, although one pair of numbers makes them
  CHECK(average(x.view({half, 2}).prod(1)) == Catch::Approx(0).margin(0.005));
  CHECK(x.abs().max().item<double>() < 6.7);
}

TEST_CASE("uniform stays within its bound and fills it evenly") {
  const Tensor x = drawn(nn::uniform(0.5), 1 << 20, 7);
  CHECK(x.abs().max().item<double>() <= 0.5);
  CHECK(x.max().item<double>() > 0.4999);
  CHECK(average(x) == Catch::Approx(0).margin(0.002));
  CHECK(average(x.square()) == Catch::Approx(1. / 12).margin(0.001));
}

TEST_CASE("a shard drawn alone equals that part of the whole, wherever it is cut") {
  const Tensor whole = drawn(nn::normal(1), 50'000, 3);
  for (const auto& [first, last] :
       {std::array{0L, 1L}, {1L, 4L}, {3L, 5L}, {7L, 7L}, {49'999L, 50'000L}, {12'345L, 45'678L}}) {
    INFO(first << " to " << last);
    CHECK(at::equal(drawn(nn::normal(1), last - first, 3, first), whole.slice(0, first, last)));
  }
}

TEST_CASE("any shape and type gets the same numbers, rounded") {
  const Tensor flat = drawn(nn::normal(1), 24, 3);
  const Tensor matrix = at::empty({4, 6}, at::kFloat), turned = at::empty({6, 4}, at::kFloat).t();
  const Tensor rounded = at::empty({4, 6}, at::kBFloat16),
               leaf = at::empty({4, 6}, at::kFloat).requires_grad_();
  for (const Tensor& x : {matrix, turned, rounded, leaf}) fill(x, nn::normal(1), 3);
  CHECK(at::equal(matrix, flat.view({4, 6})));
  CHECK(at::equal(turned, matrix));
  CHECK(at::equal(rounded, matrix.to(at::kBFloat16)));
  CHECK(at::equal(leaf, matrix));
  CHECK(leaf.is_leaf());
}

}  // namespace
}  // namespace ashlar
