// Split: every float32 comes back bit for bit, and what computes is the nearest bfloat16.
#include <ashlar/engine/split.hpp>

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "support/catch.hpp"

namespace ashlar {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

float float_of(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// All combinations of an upper half and of lower halves that are near halfway, near the ends, or anything.
Tensor all_kinds() {
  const Tensor upper = at::arange(1 << 16, at::kLong).mul_(1 << 16).unsqueeze(1);
  const Tensor lower =
      at::tensor({0x0000, 0x0001, 0x1234, 0x7ffe, 0x7fff, 0x8000, 0x8001, 0x9abc, 0xfffe, 0xffff}, at::kLong);
  return (upper + lower).flatten().to(at::kInt).view(at::kFloat);
}

TEST_CASE("every float32 comes back bit for bit, and a NaN as a NaN") {
  const Tensor masters = all_kinds(), back = join(split(masters));
  const Tensor number = masters.isnan().logical_not();
  CHECK(number.sum().item<long>() > 9 * (1 << 16));
  CHECK(back.view(at::kInt).masked_select(number).equal(masters.view(at::kInt).masked_select(number)));
  const Tensor nan = back.masked_select(masters.isnan());
  CHECK(nan.isnan().all().item<bool>());
  CHECK(nan.view(at::kInt).eq(0x7fc00000).all().item<bool>());
  CHECK(split(masters).compute.isnan().equal(masters.isnan()));
}

TEST_CASE("what computes is the nearest bfloat16, and from halfway the one away from zero") {
  const Tensor masters = all_kinds().masked_select(all_kinds().isfinite());
  const auto [compute, rest] = split(masters);
  REQUIRE(compute.scalar_type() == at::kBFloat16);
  REQUIRE(rest.scalar_type() == at::kShort);
  const Tensor halfway = rest.eq(-0x8000), even = masters.to(at::kBFloat16);
  CHECK(compute.masked_select(~halfway).equal(even.masked_select(~halfway)));
  const Tensor away = compute.masked_select(halfway).abs(), ties = masters.masked_select(halfway).abs();
  CHECK(away.to(at::kFloat).gt(ties).all().item<bool>());
  CHECK(away.ne(even.masked_select(halfway).abs()).sum().item<long>() * 2 == away.numel());
}

TEST_CASE("single numbers") {
  const auto check = [](float master, double compute, int rest) {
    INFO(master);
    const auto [upper, lower] = split(at::full({}, master));
    CHECK(upper.item<double>() == compute);
    CHECK(lower.item<int>() == rest);
  };
  check(0, 0, 0);
  check(1, 1, 0);
  check(-1, -1, 0);
  check(float_of(0x3f800001), 1, 1);
  check(float_of(0x3f807fff), 1, 0x7fff);
  check(float_of(0x3f808000), 1 + 0x1p-7, -0x8000);   // to even would be 1
  check(float_of(0xbf808000), -1 - 0x1p-7, -0x8000);  // and -1
  check(float_of(0x3f818000), 1 + 0x1p-6, -0x8000);   // and the same
  check(float_of(0x3fffffff), 2, -1);                 // a carry into the exponent
  check(float_of(0x00000001), 0, 1);
  check(static_cast<float>(inf), inf, 0);
  check(static_cast<float>(-inf), -inf, 0);
  check(std::numeric_limits<float>::max(), inf, -1);
  check(float_of(0x7f7f7fff), 0x1.fep127, 0x7fff);
  CHECK(std::signbit(split(at::full({}, -0.0F)).compute.item<float>()));
}

TEST_CASE("a bfloat16 has no rest") {
  const Tensor all = at::arange(1 << 16, at::kLong).to(at::kShort).view(at::kBFloat16);
  const Tensor numbers = all.masked_select(all.isnan().logical_not());
  const auto [compute, rest] = split(numbers.to(at::kFloat));
  CHECK(compute.view(at::kShort).equal(numbers.view(at::kShort)));
  CHECK(rest.eq(0).all().item<bool>());
}

}  // namespace
}  // namespace ashlar
