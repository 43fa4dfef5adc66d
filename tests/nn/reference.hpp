// Slow references for layers and models, in plain arithmetic on tensors, and what a comparison with them
// requires.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <cmath>
#include <map>
#include <numbers>
#include <string>
#include <vector>

#include <ashlar/model/standalone.hpp>

#include "support/catch.hpp"

namespace ashlar::reference {

using Weights = std::map<std::string, Tensor>;

inline at::Generator generator(std::uint64_t seed) {
  return at::detail::createCPUGenerator(seed);
}

inline Tensor random(at::IntArrayRef shape, std::uint64_t seed) {
  return at::randn(shape, generator(seed), at::kFloat);
}

inline Tensor ids(at::IntArrayRef shape, long count, std::uint64_t seed) {
  return at::randint(count, shape, generator(seed), at::kLong);
}

// Largest difference, relative to the larger of 1 and the largest value expected.
inline double distance(const Tensor& got, const Tensor& expected) {
  REQUIRE(got.sizes() == expected.sizes());
  const Tensor a = got.detach().to(at::kDouble), b = expected.detach().to(at::kDouble);
  return (a - b).abs().max().item<double>() / std::max(1.0, b.abs().max().item<double>());
}

// float32 rounds at 6e-8; sums of a few dozen terms in another order, through a few layers, stay below this.
inline constexpr double float32_tolerance = 3e-6;
// bfloat16 rounds at 2^-9 = 2e-3; a handful of roundings in a row stay below this.
inline constexpr double bf16_tolerance = 2e-2;

// Runs `fast` and `slow` on leaves of equal values, and compares results and the gradients of all leaves,
// given the same random gradient of the result. The slow one computes in double, so that it is the truth for
// both types.
inline void require_equal(auto&& fast, auto&& slow, std::vector<Tensor> leaves,
                          at::ScalarType type = at::kFloat) {
  std::vector<Tensor> fast_leaves, slow_leaves;
  for (const Tensor& leaf : leaves) {
    fast_leaves.push_back(leaf.to(type, false, /*copy=*/true).requires_grad_());
    slow_leaves.push_back(fast_leaves.back().detach().to(at::kDouble).requires_grad_());
  }
  const double tolerance = type == at::kFloat ? float32_tolerance : bf16_tolerance;
  const Tensor got = fast(fast_leaves), expected = slow(slow_leaves);
  REQUIRE(distance(got, expected) < tolerance);

  const Tensor upstream = random(got.sizes(), 99).to(got.scalar_type());
  got.backward(upstream);
  expected.backward(upstream.to(at::kDouble));
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    INFO("gradient of leaf " << i);
    REQUIRE(distance(fast_leaves[i].grad(), slow_leaves[i].grad()) < tolerance);
  }
}

// ---- the formulas ----

inline Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double epsilon = 1e-5) {
  const Tensor centred = x - x.mean(-1, true);
  return centred / (centred.square().mean(-1, true) + epsilon).sqrt() * weight + bias;
}

inline Tensor rms_norm(const Tensor& x, const Tensor& weight, double epsilon = 1e-5) {
  return x / (x.square().mean(-1, true) + epsilon).sqrt() * weight;
}

inline Tensor gelu(const Tensor& x) {
  return x / 2 * (1 + (std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x.pow(3))).tanh());
}

inline Tensor silu_mul(const Tensor& gate, const Tensor& up) {
  return gate / (1 + (-gate).exp()) * up;
}

// Rotation as complex multiplication: the number x[i] + x[i + D/2] j times e^(j t base^(-2i/D)).
inline Tensor rope(const Tensor& x, long heads, double base) {
  const long width = x.size(-1) / heads, tokens = x.size(1);
  const Tensor angle = at::empty({tokens, width / 2}, at::kDouble);
  for (long t = 0; t < tokens; ++t)
    for (long i = 0; i < width / 2; ++i)
      angle[t][i].fill_(double(t) * std::pow(base, -2.0 * double(i) / double(width)));
  const Tensor head = x.to(at::kDouble).view({x.size(0), tokens, heads, width});
  const Tensor number = at::complex(head.slice(-1, 0, width / 2), head.slice(-1, width / 2));
  const Tensor turned = number * at::polar(at::ones_like(angle), angle).unsqueeze(1);
  return at::cat({at::real(turned), at::imag(turned)}, -1).flatten(2).to(x.scalar_type());
}

// One head, one query token at a time; keys and values of query head h are those of head h / (heads /
// kv_heads).
inline Tensor causal_attention(const Tensor& q, const Tensor& k, const Tensor& v, long heads, long kv_heads) {
  const long width = q.size(-1) / heads, tokens = q.size(1);
  std::vector<Tensor> mixed;
  for (long h = 0; h < heads; ++h) {
    const long g = h / (heads / kv_heads);
    const Tensor query = q.slice(-1, h * width, (h + 1) * width),
                 key = k.slice(-1, g * width, (g + 1) * width),
                 value = v.slice(-1, g * width, (g + 1) * width);
    std::vector<Tensor> rows;
    for (long t = 0; t < tokens; ++t) {
      const Tensor score =
          (query.slice(1, t, t + 1) * key.slice(1, 0, t + 1)).sum(-1) / std::sqrt(double(width));  // (B, t+1)
      const Tensor weight = score.exp() / score.exp().sum(-1, true);
      rows.push_back((weight.unsqueeze(-1) * value.slice(1, 0, t + 1)).sum(1, true));
    }
    mixed.push_back(at::cat(rows, 1));
  }
  return at::cat(mixed, -1);
}

inline Tensor cross_entropy(const Tensor& logits, const Tensor& targets) {
  const Tensor shifted = logits - logits.amax(-1, true);
  const Tensor log_probability = shifted - shifted.exp().sum(-1, true).log();
  return -log_probability.gather(-1, targets.unsqueeze(-1)).mean();
}

// ---- what is required of layers and models ----

// Moves weights off their start, where some are zero or one and mistakes would not show.
inline void perturb(const std::vector<NamedTensor>& parameters, std::uint64_t seed) {
  for (const NamedTensor& p : parameters) p.tensor.detach().add_(0.1 * random(p.tensor.sizes(), seed++));
}

// A layer, run by Standalone, equals `slow(weights, x)` in its result and in the gradients of x and of every
// trained parameter; a frozen one gets none.
template <class Layer>
void require_equal_layer(at::IntArrayRef shape, auto&& slow) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const double tolerance = type == at::kFloat ? float32_tolerance : bf16_tolerance;
    const Standalone<Layer> layer(1, type);
    perturb(layer.parameters(), 2);
    Weights weights;
    for (const NamedTensor& p : layer.parameters())
      weights[p.name] = p.tensor.detach().to(at::kDouble).requires_grad_();
    const Tensor x = random(shape, 3).to(type).requires_grad_();
    const Tensor slow_x = x.detach().to(at::kDouble).requires_grad_();
    const Tensor got = layer.forward(x), expected = slow(weights, slow_x);
    REQUIRE(distance(got, expected) < tolerance);

    const Tensor upstream = random(got.sizes(), 4).to(type);
    got.backward(upstream);
    expected.backward(upstream.to(at::kDouble));
    REQUIRE(distance(x.grad(), slow_x.grad()) < tolerance);
    for (const NamedTensor& p : layer.parameters()) {
      INFO(p.name);
      REQUIRE(p.tensor.grad().defined() == p.trainable);
      if (p.trainable) REQUIRE(distance(p.tensor.grad(), weights.at(p.name).grad()) < tolerance);
    }
  }
}

// Logits, loss and every gradient equal those of `slow`, which computes logits from weights in double.
inline void require_equal_models(const std::vector<NamedTensor>& parameters, auto&& forward, auto&& loss,
                                 auto&& slow, const Tensor& targets) {
  Weights weights;
  for (const NamedTensor& p : parameters)
    weights[p.name] = p.tensor.detach().to(at::kDouble).requires_grad_();
  const Tensor expected = slow(weights);
  REQUIRE(distance(forward(), expected) < float32_tolerance);

  const Tensor got_loss = loss(), expected_loss = cross_entropy(expected, targets);
  REQUIRE(got_loss.scalar_type() == at::kFloat);
  REQUIRE(distance(got_loss, expected_loss) < float32_tolerance);
  got_loss.backward();
  expected_loss.backward();
  for (const NamedTensor& p : parameters) {
    INFO(p.name);
    const Tensor& truth = weights.at(p.name).grad();
    const double scale = truth.abs().max().item<double>();
    REQUIRE(scale > 0);
    REQUIRE(distance(p.tensor.grad() / scale, truth / scale) < 10 * float32_tolerance);
  }
}

// Bit for bit: what comes after a token takes no part in its arithmetic.
inline void require_causal(auto&& forward, long vocabulary, long tokens) {
  const at::NoGradGuard guard;
  const Tensor before = ids({2, tokens}, vocabulary, 5);
  const Tensor logits = forward(before);
  for (long changed = 1; changed < tokens; ++changed) {
    INFO("token " << changed);
    Tensor after = before.clone();
    after.select(1, changed).add_(1).remainder_(vocabulary);
    const Tensor other = forward(after);
    REQUIRE(at::equal(other.slice(1, 0, changed), logits.slice(1, 0, changed)));
    REQUIRE_FALSE(at::equal(other.select(1, changed), logits.select(1, changed)));
  }
}

// The same weights in bfloat16 give the same logits within bfloat16's rounding, and the loss stays float32.
template <class Model>
void require_bf16_close(long vocabulary, long tokens) {
  const Standalone<Model> exact(1), rounded(1, at::kBFloat16);
  const Tensor in = ids({2, tokens}, vocabulary, 6), targets = ids({2, tokens}, vocabulary, 7);
  perturb(exact.parameters(), 8);
  for (std::size_t i = 0; i < exact.parameters().size(); ++i)
    rounded.parameters()[i].tensor.detach().copy_(exact.parameters()[i].tensor);
  REQUIRE(rounded.forward(in).scalar_type() == at::kBFloat16);
  REQUIRE(distance(rounded.forward(in), exact.forward(in)) < 2 * bf16_tolerance);  // two layers deep
  const Tensor loss = rounded.loss(in, targets), expected = exact.loss(in, targets);
  REQUIRE(loss.scalar_type() == at::kFloat);
  REQUIRE(distance(loss, expected) < bf16_tolerance);
  loss.backward();
  for (const NamedTensor& p : rounded.parameters()) REQUIRE(p.tensor.grad().scalar_type() == at::kBFloat16);
}

}  // namespace ashlar::reference
