// gpus: 1
// The gradient of an embedding, where it goes straight into its window.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <ashlar/nn/ops.hpp>

#include "kernels/compare.hpp"

namespace ashlar::test {
namespace {

// A parameter with the window that a flat would lend it.
struct Lent {
  Tensor tensor, window, self;
  nn::Gradient gradient;
  nn::AnyParameter parameter;

  Lent(const Tensor& values, at::ScalarType type, at::ScalarType reduce)
      : tensor(on_gpu(values, type)), window(at::full_like(tensor, NAN, tensor.options().dtype(reduce))) {
    window = window.detach();
    self = at::from_blob(&gradient, {static_cast<long>(sizeof(gradient))}, at::kByte);
    gradient.window = &window;
    gradient.self = &self;
    parameter.tensor = &tensor;
    parameter.gradient = &gradient;
  }
  Lent(const Lent&) = delete;
};

Tensor exact_gradient(const Tensor& ids, const Tensor& due, long words) {
  const Tensor flat = due.detach().to(at::kCPU, at::kDouble).flatten(0, -2);
  return at::zeros({words, due.size(-1)}, at::kDouble).index_add(0, ids.cpu().flatten(), flat);
}

TEST_CASE("the first gradient is written into the window, later ones go to autograd") {
  struct Case {
    long words, dim, count;
  };
  for (const auto& [type, reduce] :
       {std::pair{at::kFloat, at::kFloat}, {at::kBFloat16, at::kFloat}, {at::kBFloat16, at::kBFloat16}})
    for (const auto& [words, dim, count] :
         {Case{1, 1, 1}, Case{3, 7, 700}, Case{1000, 12, 50}, Case{64, 768, 4096}, Case{50257, 260, 300}}) {
      INFO(at::toString(type) << " into " << at::toString(reduce) << ", " << words << " words of " << dim
                              << ", " << count << " ids");
      // Most ids are few: some words occur often, most never.
      const Tensor ids = at::arange(count, at::kLong).pow(2).remainder(words).view({1, count}).cuda();
      const Tensor due = waves({1, count, dim}, 0.7).to(at::kCUDA, type);
      const auto gradient = [&](const Lent& lent) {
        const Tensor out = ops::embedding(ids, lent.parameter);
        CHECK(out.equal(at::embedding(lent.tensor, ids)));
        torch::autograd::backward({out}, {due});
      };
      Lent lent(waves({words, dim}, 0.31), type, reduce), again(waves({words, dim}, 0.31), type, reduce);
      gradient(lent);
      gradient(again);
      const Tensor exact = exact_gradient(ids, due, words);
      // Up to 700 numbers of about 1 are added up, in float32.
      close(lent.window, exact, reduce == at::kFloat ? 30 : 2);
      CHECK(lent.window.equal(again.window));
      CHECK_FALSE(lent.gradient.fresh);
      CHECK_FALSE(lent.tensor.grad().defined());

      gradient(lent);
      CHECK(lent.window.equal(again.window));  // as before
      // LibTorch's own kernel adds up in bfloat16 what is in bfloat16.
      close(lent.tensor.grad(), exact, type == at::kFloat ? 30 : 16);
    }
}

}  // namespace
}  // namespace ashlar::test
