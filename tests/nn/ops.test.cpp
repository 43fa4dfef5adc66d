#include <ashlar/nn/ops.hpp>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <limits>

#include "nn/reference.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using reference::random;
using Leaves = const std::vector<Tensor>&;

nn::AnyParameter lent(const Tensor& tensor) {
  return {{}, &tensor};
}

const auto both_types = {at::kFloat, at::kBFloat16};

TEST_CASE("linear is x W^T + b") {
  for (const auto type : both_types) {
    const Tensor x = random({2, 5, 7}, 1), weight = random({3, 7}, 2), bias = random({3}, 3);
    reference::require_equal([](Leaves l) { return ops::linear(l[0], lent(l[1]), lent(l[2])); },
                             [](Leaves l) { return l[0].matmul(l[1].t()) + l[2]; }, {x, weight, bias}, type);
    reference::require_equal([](Leaves l) { return ops::linear(l[0], lent(l[1])); },
                             [](Leaves l) { return l[0].matmul(l[1].t()); }, {x, weight}, type);
  }
}

TEST_CASE("embedding picks rows, and adds the gradients of a row picked twice") {
  const Tensor ids = at::tensor({4L, 0L, 4L, 2L, 4L, 1L}).view({2, 3});
  for (const auto type : both_types)
    reference::require_equal([&](Leaves l) { return ops::embedding(ids, lent(l[0])); },
                             [&](Leaves l) { return at::one_hot(ids, 5).to(at::kDouble).matmul(l[0]); },
                             {random({5, 3}, 1)}, type);
  const Tensor five = random({5, 3}, 1);
  CHECK_THROWS(ops::embedding(at::tensor({5L}), lent(five)));
}

TEST_CASE("positions count the tokens, and refuse more than the context") {
  const Tensor positions = ops::positions(at::zeros({2, 4}, at::kLong), 4);
  CHECK(at::equal(positions, at::tensor({0L, 1L, 2L, 3L})));
  CHECK_THROWS_WITH(ops::positions(at::zeros({2, 5}, at::kLong), 4),
                    Catch::Matchers::ContainsSubstring("at most 4 tokens, got 5"));
}

TEST_CASE("layer_norm and rms_norm are their formulas") {
  for (const auto type : both_types)
    for (const long width : {1L, 5L, 33L}) {
      const Tensor x = random({2, 3, width}, 1), weight = random({width}, 2), bias = random({width}, 3);
      reference::require_equal([](Leaves l) { return ops::rms_norm(l[0], lent(l[1]), 1e-5); },
                               [](Leaves l) { return reference::rms_norm(l[0], l[1]); }, {x, weight}, type);
      if (width > 1)  // of one element, layer_norm leaves only rounding
        reference::require_equal([](Leaves l) { return ops::layer_norm(l[0], lent(l[1]), lent(l[2]), 1e-5); },
                                 [](Leaves l) { return reference::layer_norm(l[0], l[1], l[2]); },
                                 {x, weight, bias}, type);
    }
}

TEST_CASE("add_layer_norm and add_rms_norm are the addition and the norm, bit for bit") {
  for (const auto type : both_types) {
    std::vector<Tensor> leaves;
    for (const Tensor& leaf :
         {random({2, 3, 33}, 1), random({2, 3, 33}, 2), random({33}, 3), random({33}, 4)})
      leaves.push_back(leaf.to(type).requires_grad_());
    const Tensor &x = leaves[0], &delta = leaves[1], &weight = leaves[2], &bias = leaves[3];
    const auto gradients = [&](const Tensor& sum, const Tensor& normed) {
      return torch::autograd::grad({sum * 2 + normed}, {x, delta, weight}, {at::ones_like(x)});
    };
    const auto same = [&](const std::array<Tensor, 2>& both, auto&& norm) {
      const Tensor sum = x + delta, normed = norm(sum);
      CHECK(at::equal(both[0], sum));
      CHECK(at::equal(both[1], normed));
      const auto got = gradients(both[0], both[1]), expected = gradients(sum, normed);
      for (std::size_t i = 0; i < got.size(); ++i) CHECK(at::equal(got[i], expected[i]));
    };
    same(ops::add_rms_norm(x, delta, lent(weight), 1e-5),
         [&](const Tensor& sum) { return ops::rms_norm(sum, lent(weight), 1e-5); });
    same(ops::add_layer_norm(x, delta, lent(weight), lent(bias), 1e-5),
         [&](const Tensor& sum) { return ops::layer_norm(sum, lent(weight), lent(bias), 1e-5); });
  }
}

TEST_CASE("norms of bfloat16 keep their statistics in float32") {
  // 4096 ones: a sum in bfloat16 would stop at 256, where adding one no longer changes it.
  const Tensor x = at::ones({1, 4096}, at::kBFloat16), one = at::ones({4096}, at::kBFloat16);
  CHECK(at::equal(ops::rms_norm(x, lent(one), 0), x));
  Tensor half = x.clone();
  half.slice(1, 0, 2048).fill_(3);  // mean 2, variance 1
  const Tensor none = at::zeros_like(one);
  CHECK(at::equal(ops::layer_norm(half, lent(one), lent(none), 0), half - 2));
}

TEST_CASE("gelu and silu_mul are their formulas") {
  for (const auto type : both_types) {
    reference::require_equal([](Leaves l) { return ops::gelu(l[0]); },
                             [](Leaves l) { return reference::gelu(l[0]); }, {3 * random({7, 5}, 1)}, type);
    reference::require_equal([](Leaves l) { return ops::silu_mul(l[0], l[1]); },
                             [](Leaves l) { return reference::silu_mul(l[0], l[1]); },
                             {3 * random({7, 5}, 1), random({7, 5}, 2)}, type);
  }
}

TEST_CASE("rope is complex multiplication") {
  for (const auto type : both_types)
    for (const long heads : {1L, 3L})
      reference::require_equal([&](Leaves l) { return ops::rope(l[0], heads, 500); },
                               [&](Leaves l) { return reference::rope(l[0], heads, 500); },
                               {random({2, 9, heads * 6}, 1)}, type);
}

TEST_CASE("rope makes scores depend on distance only") {
  const Tensor query = random({8}, 1), key = random({8}, 2);
  const Tensor q = ops::rope(query.expand({1, 20, 8}), 1, 10000)[0],
               k = ops::rope(key.expand({1, 20, 8}), 1, 10000)[0];
  for (long t = 3; t < 20; ++t)
    CHECK(q[t].dot(k[t - 3]).item<double>() == Catch::Approx(q[3].dot(k[0]).item<double>()).margin(1e-5));
}

TEST_CASE("rope's angles are exact far into a sequence of bfloat16") {
  // In bfloat16 position 1001 would be 1000, and the angle wrong by a radian.
  const Tensor x = random({1, 1002, 4}, 1).to(at::kBFloat16);
  CHECK(reference::distance(ops::rope(x, 1, 10000), reference::rope(x.to(at::kDouble), 1, 10000)) <
        reference::bf16_tolerance);
}

TEST_CASE("causal_attention equals one head and one query at a time") {
  struct Case {
    long heads, kv_heads, width, tokens;
  };
  for (const auto type : both_types)
    for (const auto& [heads, kv_heads, width, tokens] :
         {Case{1, 1, 4, 1}, Case{3, 3, 5, 7}, Case{6, 2, 4, 9}, Case{4, 1, 8, 33}}) {
      INFO(heads << " heads, " << kv_heads << " of keys, " << tokens << " tokens");
      const Tensor q = random({2, tokens, heads * width}, 1), k = random({2, tokens, kv_heads * width}, 2),
                   v = random({2, tokens, kv_heads * width}, 3);
      reference::require_equal(
          [&](Leaves l) { return ops::causal_attention(l[0], l[1], l[2], heads, kv_heads); },
          [&](Leaves l) { return reference::causal_attention(l[0], l[1], l[2], heads, kv_heads); }, {q, k, v},
          type);
    }
}

TEST_CASE("grouped queries are attention with the keys and values repeated") {
  const Tensor q = random({2, 5, 6 * 4}, 1), k = random({2, 5, 2 * 4}, 2), v = random({2, 5, 2 * 4}, 3);
  const auto repeat = [](const Tensor& x) {
    return x.unflatten(-1, {2, 4}).repeat_interleave(3, 2).flatten(2);
  };
  CHECK(reference::distance(ops::causal_attention(q, k, v, 6, 2),
                            ops::causal_attention(q, repeat(k), repeat(v), 6, 6)) <
        reference::float32_tolerance);
}

TEST_CASE("attention of one projection is that of its three parts") {
  const Tensor q = random({2, 5, 12}, 1), k = random({2, 5, 12}, 2), v = random({2, 5, 12}, 3);
  CHECK(at::equal(ops::causal_attention(at::cat({q, k, v}, -1), 3), ops::causal_attention(q, k, v, 3, 3)));
}

TEST_CASE("cross_entropy is the mean over all tokens, in float32") {
  const Tensor targets = reference::ids({2, 5}, 7, 2);
  for (const auto type : both_types)
    reference::require_equal([&](Leaves l) { return ops::cross_entropy(l[0], targets); },
                             [&](Leaves l) { return reference::cross_entropy(l[0], targets); },
                             {4 * random({2, 5, 7}, 1)}, type);
  CHECK(ops::cross_entropy(random({2, 5, 7}, 1).to(at::kBFloat16), targets).scalar_type() == at::kFloat);
}

TEST_CASE("cross_entropy refuses targets that are no token, the usual marks for `ignore` too") {
  const Tensor logits = random({1, 2, 7}, 1);
  for (const long mark : {-100L, -1L, 7L})
    CHECK_THROWS(ops::cross_entropy(logits, at::tensor({1L, mark}).view({1, 2})));
}

}  // namespace
}  // namespace ashlar
