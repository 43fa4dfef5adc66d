// gpus: 1
// Each kernel against LibTorch's operators in float64, forward and backward, and against the plain operators
// of the CPU; odd sizes too.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <ashlar/kernels/ops.hpp>
#include <ashlar/nn/ops.hpp>

#include "kernels/compare.hpp"

namespace ashlar::test {
namespace {

TEST_CASE("silu_mul") {
  REQUIRE(cuda::has_kernels);
  for (const auto type : {at::kFloat, at::kBFloat16})
    for (const long columns : {1L, 7L, 64L, 1000L, 14336L}) {
      INFO(at::toString(type) << " " << columns);
      compare([](const auto& x) { return ops::silu_mul(x[0], x[1]); },
              [](const auto& x) { return at::silu(x[0]) * x[1]; },
              {waves({3, 5, columns}, 0.13), waves({3, 5, columns}, 0.29)}, type, 2);
    }
}

TEST_CASE("gated_linear") {
  for (const auto type : {at::kFloat, at::kBFloat16})
    for (const long in : {1L, 7L, 64L, 1000L}) {
      INFO(at::toString(type) << " " << in);
      const long out = 5;
      const auto leaf = [&](const Tensor& x) { return on_gpu(x, type); };
      const Tensor gate = leaf(waves({3, 2, in}, 0.13)), up = leaf(waves({3, 2, in}, 0.29)),
                   w = leaf(waves({out, in}, 0.31));
      const Tensor due = waves({3, 2, out}, 0.41).to(at::kCUDA, type);
      nn::AnyParameter weight;
      weight.tensor = &w;
      const Tensor got = ops::gated_linear(gate, up, weight);
      const auto gradients = torch::autograd::grad({got}, {gate, up, w}, {due});
      // Beside the same two operations, of which the first keeps what it made: bit for bit.
      const Tensor apart = at::linear(ops::silu_mul(gate, up), w);
      const auto others = torch::autograd::grad({apart}, {gate, up, w}, {due});
      CHECK(got.equal(apart));
      for (std::size_t i = 0; i < 3; ++i) CHECK(gradients[i].equal(others[i]));
    }
}

TEST_CASE("column_sums") {
  for (const auto type : {at::kFloat, at::kBFloat16})
    for (const long rows : {1L, 7L, 8L, 255L, 4099L})
      for (const long columns : {1L, 6L, 64L, 259L, 1024L}) {
        INFO(at::toString(type) << " " << rows << " x " << columns);
        const Tensor x = waves({rows, columns}, 0.7).to(at::kCUDA, type);
        const Tensor sums = cuda::column_sums(x);
        const Tensor due = x.to(at::kDouble).sum(0), size = x.to(at::kDouble).abs().sum(0);
        // The result is rounded; each of the additions in float32 errs by half a unit of what it has so far.
        const Tensor bound =
            due.abs() * tolerance(type) + size * (0x1p-24 * static_cast<double>(rows)) + 1e-30;
        CHECK((sums.to(at::kDouble) - due).abs().le(bound).all().item<bool>());
        CHECK(cuda::column_sums(x).equal(sums));
      }
}

TEST_CASE("rope") {
  for (const auto type : {at::kFloat, at::kBFloat16})
    for (const auto& [heads, width] : {std::pair{1L, 2L}, {3L, 6L}, {2L, 16L}, {8L, 128L}})
      for (const long tokens : {1L, 9L, 300L}) {
        INFO(at::toString(type) << " " << heads << " heads of " << width << ", " << tokens << " tokens");
        const auto exact = [&, heads = heads, width = width](const auto& x) {
          const Tensor angle =
              at::outer(at::arange(tokens, at::kDouble),
                        at::pow(10000., at::arange(0, width, 2, at::kDouble) / -double(width)))
                  .unsqueeze(1);
          const auto half = x[0].unflatten(-1, {heads, width}).chunk(2, -1);
          return at::cat({half[0] * angle.cos() - half[1] * angle.sin(),
                          half[1] * angle.cos() + half[0] * angle.sin()},
                         -1)
              .flatten(-2);
        };
        // An angle of 300 radians in float32 is off by 2e-5.
        compare([&, heads = heads](const auto& x) { return ops::rope(x[0], heads, 10000); }, exact,
                {waves({2, tokens, heads * width}, 0.17)}, type, type == at::kFloat ? 30 : 2);
      }
}

TEST_CASE("linear_cross_entropy") {
  for (const auto type : {at::kFloat, at::kBFloat16})
    for (const long vocabulary : {1L, 2L, 11L, 256L, 1003L, 50257L}) {
      INFO(at::toString(type) << " " << vocabulary);
      const long rows = 6, dim = 16;
      const Tensor targets = at::arange(rows, at::kLong).mul(7).remainder(vocabulary).view({2, 3});
      const Tensor x = on_gpu(waves({2, 3, dim}, 0.7), type),
                   w = on_gpu(waves({vocabulary, dim}, 0.31), type);
      nn::AnyParameter weight;
      weight.tensor = &w;
      const Tensor loss = ops::linear_cross_entropy(x, weight, targets.cuda());
      const auto gradients = torch::autograd::grad({loss}, {x, w}, {at::full({}, 0.5, loss.options())});

      const Tensor wide_x = x.detach().cpu().to(at::kDouble).requires_grad_(true);
      const Tensor wide_w = w.detach().cpu().to(at::kDouble).requires_grad_(true);
      // The logits are rounded to the type, and the gradient flows through as if they were not.
      const Tensor exact_logits = wide_x.matmul(wide_w.t());
      const Tensor logits = exact_logits + (exact_logits.to(type).to(at::kDouble) - exact_logits).detach();
      const Tensor due = at::cross_entropy_loss(logits.flatten(0, 1), targets.flatten());
      const auto exact = torch::autograd::grad({due}, {wide_x, wide_w}, {at::full({}, 0.5, at::kDouble)});
      CHECK(std::abs(loss.item<double>() - due.item<double>()) <= 1e-3 * std::abs(due.item<double>()) + 1e-6);
      // A sum over the vocabulary of rounded gradients.
      close(gradients[0], exact[0], type == at::kFloat ? 50 : 4);
      close(gradients[1], exact[1], type == at::kFloat ? 50 : 4);
    }
}

TEST_CASE("a target outside of the vocabulary makes the loss NaN, and nothing else is read") {
  const Tensor x = on_gpu(waves({2, 3, 8}, 0.7), at::kFloat), w = on_gpu(waves({5, 8}, 0.3), at::kFloat);
  nn::AnyParameter weight;
  weight.tensor = &w;
  for (const long wrong : {-1L, 5L, 1L << 40}) {
    Tensor targets = at::ones({2, 3}, at::kLong);
    targets[1][2] = wrong;
    CHECK(std::isnan(ops::linear_cross_entropy(x, weight, targets.cuda()).item<double>()));
  }
}

}  // namespace
}  // namespace ashlar::test
