// gpus: 1
// Gradients that somebody asks for besides a step's own backward, through the kernels: right where they are
// of first order, and refused where they are of second.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <ashlar/nn/ops.hpp>

#include "data/temporary.hpp"
#include "kernels/compare.hpp"

namespace ashlar::test {
namespace {

using Catch::Matchers::ContainsSubstring;

// A parameter with a window that a backward may write.
struct Lent {
  Tensor tensor, window, self;
  nn::Gradient gradient;
  nn::AnyParameter parameter;

  explicit Lent(const Tensor& values)
      : tensor(on_gpu(values, at::kFloat)), window(at::full_like(tensor, -1).detach()) {
    self = at::from_blob(&gradient, {static_cast<long>(sizeof(gradient))}, at::kByte);
    gradient.window = &window;
    gradient.self = &self;
    parameter.tensor = &tensor;
    parameter.gradient = &gradient;
  }
  Lent(const Lent&) = delete;
  bool untouched() const { return gradient.fresh && window.eq(-1).all().item<bool>(); }
};

TEST_CASE(
    "a gradient of the input alone leaves the weight's window, and the backward after it, as they are") {
  Lent weight(waves({5, 8}, 0.3)), plain(waves({5, 8}, 0.3));
  const Tensor targets = at::arange(6, at::kLong).remainder(5).view({1, 6}).cuda();
  const auto loss = [&](const Tensor& x, const Lent& lent) {
    return ops::linear_cross_entropy(x, lent.parameter, targets);
  };
  const Tensor x = on_gpu(waves({1, 6, 8}, 0.7), at::kFloat), y = on_gpu(waves({1, 6, 8}, 0.7), at::kFloat);
  loss(y, plain).backward();

  const Tensor out = loss(x, weight);
  const Tensor asked = torch::autograd::grad({out}, {x}, {}, /*retain_graph=*/true)[0];
  CHECK(asked.equal(y.grad()));
  CHECK(weight.untouched());
  out.backward();
  CHECK(x.grad().equal(y.grad()));
  CHECK(weight.window.equal(plain.window));
}

TEST_CASE("a gradient of the weight that is asked for goes to whoever asked") {
  Lent weight(waves({5, 8}, 0.3));
  const Tensor ids = at::arange(6, at::kLong).remainder(5).view({1, 6}).cuda();
  const Tensor x = on_gpu(waves({1, 6, 8}, 0.7), at::kFloat);
  for (const Tensor& out :
       {ops::embedding(ids, weight.parameter), ops::linear(x, weight.parameter),
        ops::linear_cross_entropy(x, weight.parameter, ids), ops::gated_linear(x, x, weight.parameter)}) {
    CHECK(torch::autograd::grad({out.square().sum()}, {weight.tensor}, {}, true)[0].defined());
    CHECK(weight.untouched());
  }
}

TEST_CASE("ops.1: a kernel's gradient is not differentiated") {
  Lent weight(waves({8}, 0.3)), bias(waves({8}, 0.4)), matrix(waves({5, 8}, 0.5)), shift(waves({5}, 0.6));
  const Tensor ids = at::arange(6, at::kLong).remainder(5).view({1, 6}).cuda();
  const Tensor x = on_gpu(waves({1, 6, 8}, 0.7), at::kFloat);
  for (const Tensor& out :
       {ops::silu_mul(x, x), ops::gated_linear(x, x, matrix.parameter), ops::rope(x, 2, 1e4),
        ops::rms_norm(x, weight.parameter, 1e-5), ops::layer_norm(x, weight.parameter, bias.parameter, 1e-5),
        ops::linear_cross_entropy(x, matrix.parameter, ids)})
    CHECK_THAT(sentence([&] { torch::autograd::grad({out.sum()}, {x}, {}, true, /*create_graph=*/true); }),
               ContainsSubstring("[ashlar.ops.1]"));
  // LibTorch's own operators, and ops that are made of them, are.
  const Tensor out = ops::linear(x, matrix.parameter, shift.parameter).square().sum();
  CHECK(torch::autograd::grad({out}, {x}, {}, true, true)[0].requires_grad());
}

}  // namespace
}  // namespace ashlar::test
