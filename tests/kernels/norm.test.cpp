// gpus: 1
// Norms, alone and after a residual addition, against their formulas in float64.
#include <ATen/ATen.h>

#include <ashlar/kernels/norm.hpp>
#include <ashlar/kernels/ops.hpp>
#include <ashlar/nn/ops.hpp>

#include "kernels/compare.hpp"

namespace ashlar::test {
namespace {

using Leaves = const std::vector<Tensor>&;
constexpr double epsilon = 1e-5;

nn::AnyParameter lent(const Tensor& tensor) {
  return {{}, &tensor};
}

Tensor exact_rms_norm(const Tensor& x, const Tensor& weight) {
  return x / (x.square().mean(-1, true) + epsilon).sqrt() * weight;
}
Tensor exact_layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const Tensor centred = x - x.mean(-1, true);
  return centred / (centred.square().mean(-1, true) + epsilon).sqrt() * weight + bias;
}
// As the model keeps it, with a gradient that flows as if it had not been rounded.
Tensor rounded(const Tensor& x, at::ScalarType type) {
  return x + (x.to(type).to(at::kDouble) - x).detach();
}

// Whole packs and none, one row and fewer rows than blocks, more rows than blocks, and the widest.
void for_each_shape(auto&& f) {
  for (const auto type : {at::kFloat, at::kBFloat16})
    for (const auto& [rows, dim] : {std::pair{1L, 1L},
                                    {1L, 4096L},
                                    {3L, 5L},
                                    {7L, 33L},
                                    {17L, 64L},
                                    {2200L, 24L},
                                    {5L, 1000L},
                                    {600L, 768L},
                                    {11L, 4095L},
                                    {4L, cuda::widest_norm}}) {
      INFO(at::toString(type) << " " << rows << " x " << dim);
      // A gradient of a weight is a sum over the rows of float32 numbers. x's is a difference of terms that
      // may be some times as large as it is.
      f(type, rows, dim, type == at::kFloat ? 10 + 0.05 * static_cast<double>(rows) : 3.0);
    }
}

TEST_CASE("rms_norm") {
  for_each_shape([](at::ScalarType type, long rows, long dim, double scale) {
    compare([](Leaves l) { return ops::rms_norm(l[0], lent(l[1]), epsilon); },
            [](Leaves l) { return exact_rms_norm(l[0], l[1]); },
            {waves({rows, dim}, 0.7), waves({dim}, 0.31)}, type, scale);
  });
}

TEST_CASE("layer_norm") {
  for_each_shape([](at::ScalarType type, long rows, long dim, double scale) {
    if (dim == 1) return;  // leaves only rounding
    compare([](Leaves l) { return ops::layer_norm(l[0], lent(l[1]), lent(l[2]), epsilon); },
            [](Leaves l) { return exact_layer_norm(l[0], l[1], l[2]); },
            {waves({rows, dim}, 0.7) + 0.5, waves({dim}, 0.31), waves({dim}, 0.17)}, type, scale);
  });
}

TEST_CASE("add_rms_norm and add_layer_norm") {
  for_each_shape([](at::ScalarType type, long rows, long dim, double scale) {
    const Tensor x = waves({rows, dim}, 0.7), delta = waves({rows, dim}, 0.23) + 0.4,
                 weight = waves({dim}, 0.31);
    compare([](Leaves l) { return ops::add_rms_norm(l[0], l[1], lent(l[2]), epsilon); },
            [&](Leaves l) {
              const Tensor sum = rounded(l[0] + l[1], type);
              return std::array{sum, exact_rms_norm(sum, l[2])};
            },
            {x, delta, weight}, type, scale);
    if (dim == 1) return;
    compare([](Leaves l) { return ops::add_layer_norm(l[0], l[1], lent(l[2]), lent(l[3]), epsilon); },
            [&](Leaves l) {
              const Tensor sum = rounded(l[0] + l[1], type);
              return std::array{sum, exact_layer_norm(sum, l[2], l[3])};
            },
            {x, delta, weight, waves({dim}, 0.17)}, type, scale);
  });
}

TEST_CASE("one of the two outputs of add_rms_norm may be left unused") {
  const Tensor x = on_gpu(waves({6, 48}, 0.7), at::kFloat), delta = on_gpu(waves({6, 48}, 0.3), at::kFloat),
               weight = on_gpu(waves({48}, 0.31), at::kFloat);
  const Tensor due = waves({6, 48}, 0.4).to(at::kCUDA, at::kFloat);
  const auto gradients = [&](const Tensor& of) {
    return torch::autograd::grad({of}, {x, delta}, {due}, /*retain_graph=*/std::nullopt,
                                 /*create_graph=*/false, /*allow_unused=*/true);
  };
  const auto sum = gradients(ops::add_rms_norm(x, delta, lent(weight), epsilon)[0]);
  CHECK(sum[0].equal(due));
  CHECK(sum[1].equal(due));
  const auto normed = gradients(ops::add_rms_norm(x, delta, lent(weight), epsilon)[1]);
  const auto alone = gradients(ops::rms_norm(x + delta, lent(weight), epsilon));
  CHECK(normed[0].equal(alone[0]));
  CHECK(normed[1].equal(alone[1]));
}

TEST_CASE("a weight that is not trained costs no sums, and rows wider than a block go to LibTorch") {
  const Tensor x = on_gpu(waves({9, 40}, 0.7), at::kFloat),
               weight = waves({40}, 0.31).to(at::kCUDA, at::kFloat);
  const Tensor trained = weight.clone().requires_grad_(true);
  const Tensor due = at::ones_like(x);
  const auto of_x = [&](const Tensor& w) {
    return torch::autograd::grad({ops::rms_norm(x, lent(w), epsilon)}, {x}, {due})[0];
  };
  CHECK(of_x(weight).equal(of_x(trained)));

  const long wide = cuda::widest_norm + 8;
  const Tensor row = waves({1, wide}, 0.7).to(at::kCUDA, at::kFloat), ones = at::ones_like(row[0]);
  CHECK_FALSE(cuda::takes_norm(row, ones));
  close(ops::rms_norm(row, lent(ones), epsilon), exact_rms_norm(row.to(at::kDouble), ones.to(at::kDouble)),
        4);
}

}  // namespace
}  // namespace ashlar::test
