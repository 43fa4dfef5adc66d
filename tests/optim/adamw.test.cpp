// AdamW on the host in one pass: LibTorch's fused AdamW after a pass that clips and before one that rounds or
// splits, bit for bit.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <array>
#include <cmath>

#include <ashlar/engine/split.hpp>
#include <ashlar/optim/adamw.hpp>

#include "support/catch.hpp"

namespace ashlar {
namespace {

// Of `numel` elements, after some steps.
struct Flat {
  Tensor master, gradient;
  std::array<Tensor, 2> moments;

  explicit Flat(long numel)
      : master(at::randn({numel})),
        gradient(at::randn({numel}) * 1e-3),
        moments{at::randn({numel}) * 1e-3, at::rand({numel}) * 1e-6} {}

  Flat clone() const {
    Flat copy = *this;
    for (Tensor* tensor : {&copy.master, &copy.gradient, &copy.moments[0], &copy.moments[1]})
      *tensor = tensor->clone();
    return copy;
  }
};

void check(const optim::AdamW& adamw, long numel, float factor, bool decays, long step) {
  INFO(numel << " elements, factor " << factor << ", step " << step << (decays ? ", decays" : ""));
  at::manual_seed(static_cast<std::uint64_t>(numel + step));
  Flat got = Flat(numel), halves = got.clone(), due = got.clone();
  const Tensor rounded = at::zeros({numel}, at::kBFloat16);
  const auto [compute, rest] = split(halves.master);
  adamw.update_on_host(got.master, got.gradient, got.moments, rounded, 3.3e-4, factor, decays, step);
  adamw.update_on_host(rest, halves.gradient, halves.moments, compute, 3.3e-4, factor, decays, step);
  due.gradient.mul_(factor);
  adamw.update(due.master, due.gradient, due.moments, 3.3e-4, decays, step);
  CHECK(got.master.equal(due.master));
  CHECK(got.moments[0].equal(due.moments[0]));
  CHECK(got.moments[1].equal(due.moments[1]));
  CHECK(rounded.equal(due.master.to(at::kBFloat16)));
  CHECK(compute.equal(split(due.master).compute));
  CHECK(rest.equal(split(due.master).rest));
  for (std::size_t i = 0; i < 2; ++i) CHECK(halves.moments[i].equal(due.moments[i]));
}

TEST_CASE("one pass on the host is LibTorch's AdamW, bit for bit") {
  for (const int threads : {1, 3}) {
    at::set_num_threads(threads);
    for (const long numel : {64L, 4096L, 200'000L})
      for (const long step : {1L, 2L, 1000L, 1'000'000L})
        for (const float factor : {1.0F, 0.37F})
          for (const bool decays : {true, false}) check({.weight_decay = 0.1}, numel, factor, decays, step);
  }
  check({.beta1 = 0.3, .beta2 = 0.5, .epsilon = 1e-3}, 4096, 0.9F, true, 3);
}

TEST_CASE("one pass on the host leaves out the copy where none is wanted, and takes any number of elements") {
  for (const long numel : {1L, 15L, 17L, 63L}) {
    at::manual_seed(static_cast<std::uint64_t>(numel));
    Flat got = Flat(numel), rounding = got.clone(), halves = got.clone(), due = got.clone();
    const Tensor rounded = at::zeros({numel}, at::kBFloat16);
    const auto [compute, rest] = split(halves.master);
    optim::AdamW{}.update_on_host(got.master, got.gradient, got.moments, {}, 1e-2, 1, true, 5);
    optim::AdamW{}.update_on_host(rounding.master, rounding.gradient, rounding.moments, rounded, 1e-2, 1,
                                  true, 5);
    optim::AdamW{}.update_on_host(rest, halves.gradient, halves.moments, compute, 1e-2, 1, true, 5);
    optim::AdamW{}.update(due.master, due.gradient, due.moments, 1e-2, true, 5);
    CHECK(at::allclose(got.master, due.master, 1e-6, 1e-7));  // LibTorch's rest takes other roundings
    CHECK(at::allclose(got.moments[1], due.moments[1], 1e-6, 0));
    CHECK(rounding.master.equal(got.master));
    CHECK(rounded.equal(got.master.to(at::kBFloat16)));
    CHECK(compute.equal(split(got.master).compute));
    CHECK(rest.equal(split(got.master).rest));
    for (const Flat& other : {rounding, halves})
      for (std::size_t i = 0; i < 2; ++i) CHECK(other.moments[i].equal(got.moments[i]));
  }
}

TEST_CASE("one pass on the host splits a master as split() does: halfway, infinite or not a number") {
  const Tensor upper = at::arange(1 << 16, at::kLong).mul_(1 << 16).unsqueeze(1),
               lower = at::tensor({0x0000, 0x7fff, 0x8000, 0xffff}, at::kLong);
  const Tensor masters = (upper + lower).flatten().to(at::kInt).view(at::kFloat);
  const Tensor normal = masters.abs().ge(0x1p-126F).logical_or(masters.isnan());
  const auto [compute, rest] = split(masters);
  const Tensor zero = at::zeros_like(masters), again = compute.clone(), left = rest.clone();
  optim::AdamW{}.update_on_host(left, zero, std::array{zero.clone(), zero.clone()}, again, 0, 1, true, 1);
  CHECK(left.masked_select(normal).equal(rest.masked_select(normal)));
  CHECK(again.view(at::kShort).masked_select(normal).equal(compute.view(at::kShort).masked_select(normal)));
  CHECK(join({again, left}).masked_select(~normal).eq(0).all().item<bool>());
}

TEST_CASE("moments below float32's normal range count as zero, here alone") {
  Flat flat(4096);
  flat.gradient.zero_();
  flat.moments[0].fill_(5e-45);
  flat.moments[1].fill_(5e-45);
  optim::AdamW{}.update_on_host(flat.master, flat.gradient, flat.moments, {}, 1e-2, 1, true, 5);
  for (const Tensor& moment : flat.moments) CHECK(moment.eq(0).all().item<bool>());
  volatile float small = 1e-38F;
  CHECK(small / 4 > 0);
}

}  // namespace
}  // namespace ashlar
