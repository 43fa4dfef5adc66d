// The operations of nn/ops.hpp on Symbols: what each allocates, keeps for backward and computes.
//
// A layer of your own runs on Symbols when its forward is constexpr, a template on its tensors, and made of
// these.
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include <ashlar/error.hpp>
#include <ashlar/kernels/norm.hpp>
#include <ashlar/nn/parameter.hpp>
#include <ashlar/symbolic/symbol.hpp>

namespace ashlar::ops {

namespace detail {

constexpr void check_context(long tokens, long context) {
  if (tokens > context)
    throw Error("nn.1", "sequences of at most " + std::to_string(context) + " tokens", std::to_string(tokens),
                "cut the input or give the model a longer context");
}

// The last dimension of what a layer is given is the one that it was declared with.
constexpr void check_width(const Symbol& x, long width) {
  if (x.shape().size() == 0 || x.size(-1) != width)
    throw Error("nn.5", "an input whose last dimension is " + std::to_string(width),
                x.shape().size() == 0 ? "a scalar" : std::to_string(x.size(-1)),
                "make the layer as wide as what it is run with");
}

constexpr Symbol linear(const Symbol& x, const nn::AnyParameter& weight, long out, long in, bool bias) {
  check_width(x, in);
  Tape& tape = x.tape();
  const long rows = x.numel() / in, width = x.width();
  const double product = 2.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out);
  const bool trained = weight.gradient != nullptr;
  trained ? tape.compute_product(product) : tape.compute_now(product);
  Tape::Node node{.inputs = {x.gradient()}, .flops = product * ((x.node() >= 0) + trained)};
  if (trained) {
    node.saved = {x.storage()};
    node.after = tape.compute == tape.reduce || tape.run == kernels::cuda ? 0 : out * in * width;
    node.parameters = bias ? out * width : 0;
    node.weight = &weight.gradient->fresh;
    node.weight_bytes = out * in * width;
  }
  Shape shape = x.shape();
  shape.back() = out;
  return Symbol(tape, shape, x.values(), trained || x.node() >= 0 ? tape.note(node) : -1);
}

// The query rows that LibTorch's CPU kernel takes at a time
// (aten/src/ATen/native/cpu/FlashAttentionKernel.cpp).
constexpr long query_rows(long tokens) {
  return tokens >= 768 ? 256 : tokens >= 192 ? 64 : 32;
}

// Multiplications of tokens with tokens that causality leaves, of all heads: in `count` matrix products.
constexpr double attention_flops(const Symbol& query, int count) {
  const double tokens = static_cast<double>(query.size(-2));
  return count * 2.0 * static_cast<double>(query.numel()) * (tokens + 1) / 2;
}

// The output, of query's shape, of inputs that live in `saved`. On a CPU LibTorch's flash attention; on a GPU
// cuDNN's, whose backward adds up the query's gradient in float32 and, where heads share keys, makes a
// gradient of key and value for each.
constexpr Symbol attend(const Symbol& query, long heads, bool shares_keys, Few<int, 8> saved,
                        Few<Tape::Input, 8> inputs) {
  Tape& tape = query.tape();
  const long tokens = query.size(-2), dim = query.size(-1) / heads;
  const long rows = query_rows(tokens), columns = std::min(tokens, 512L);
  const bool again = tape.recomputation.retakes();
  const Symbol out = symbolic::once(tape, query.shape(), query.values());
  const Symbol log_sum = symbolic::once(tape, {query.numel() / query.size(-1), heads}, Values::f32);
  if (!again) tape.compute_now(attention_flops(query, 2));
  long beside = 4 * 2 * rows * columns;
  if (tape.run == kernels::cuda)
    beside = 4 * query.numel() + log_sum.bytes() + (shares_keys ? 2 * query.bytes() : 0);
  else if (!again)
    tape.touch(4 * rows * (columns + 2 + dim));
  saved.push_back(out.storage());
  saved.push_back(log_sum.storage());
  return out.from(
      tape.note({.saved = saved, .inputs = inputs, .beside = beside, .flops = attention_flops(query, 5)}));
}

}  // namespace detail

template <long out, long in>
constexpr Symbol linear(const Symbol& x, const nn::Parameter<out, in>& weight) {
  return detail::linear(x, weight, out, in, false);
}

template <long out, long in>
constexpr Symbol linear(const Symbol& x, const nn::Parameter<out, in>& weight, const nn::Parameter<out>&) {
  return detail::linear(x, weight, out, in, true);
}

template <long count, long dim>
constexpr Symbol embedding(const Symbol& ids, const nn::Parameter<count, dim>& weight) {
  Shape shape = ids.shape();
  shape.push_back(dim);
  Tape& tape = ids.tape();
  if (weight.gradient == nullptr) return Symbol(tape, shape, Values::compute);
  const long weight_bytes = count * dim * bytes(tape.compute);
  Tape::Node node{.saved = {ids.storage()}};
  if (tape.run == kernels::cuda) {  // sorts the ids, and sums into the flat
    node.beside = 4 * ids.bytes();
    node.weight = &weight.gradient->fresh;
    node.weight_bytes = weight_bytes;
  } else {
    node.parameters = weight_bytes;
  }
  return Symbol(tape, shape, Values::compute, tape.note(node));
}

constexpr Symbol positions(const Symbol& ids, long context) {
  detail::check_context(ids.size(-1), context);
  return Symbol(ids.tape(), {ids.size(-1)}, Values::i64);
}

namespace detail {

// Where a GPU's kernel adds up the gradients of a norm's weight, and of its bias.
constexpr long norm_sums(const Symbol& x, long dim, int count, bool trained) {
  if (x.tape().run == kernels::cpu || !trained || dim > cuda::widest_norm) return 0;
  return count * 4 * dim * cuda::norm_parts(x.numel() / dim, dim);
}

// A residual addition and the norm after it as one kernel, which has `count` statistics and parameters. Both
// addends have the same gradient.
constexpr std::array<Symbol, 2> add_norm(const Symbol& x, const Symbol& delta, long dim, int count,
                                         bool trained) {
  check_width(x, dim);
  Tape& tape = x.tape();
  const Symbol sum(tape, x.shape(), x.values()), y(tape, x.shape(), x.values());
  Tape::Node node{.saved = {sum.storage()},
                  .inputs = {x.gradient(), delta.gradient()},
                  .beside = norm_sums(x, dim, count, trained),
                  .parameters = trained ? count * dim * x.width() : 0};
  if (x.node() >= 0) node.inputs[1].bytes = Tape::Input::as_for_first;
  Few<int, 2> statistics;
  for (int i = 0; i < count; ++i) {
    statistics.push_back(tape.allocate(4 * x.numel() / dim));
    node.saved.push_back(statistics.back());
  }
  const int made = tape.note(node);
  for (const int storage : statistics) tape.release(storage);
  return {sum.from(made, 0), y.from(made, 1)};
}

}  // namespace detail

template <long dim>
constexpr Symbol layer_norm(const Symbol& x, const nn::Parameter<dim>& weight, const nn::Parameter<dim>&,
                            double) {
  detail::check_width(x, dim);
  const Values statistics = x.tape().run == kernels::cpu ? x.values() : Values::f32;
  const Symbol mean(x.tape(), {x.numel() / dim}, statistics),
      deviation(x.tape(), {x.numel() / dim}, statistics);
  const bool trained = weight.gradient != nullptr;
  return Symbol(x.tape(), x.shape(), x.values(),
                x.tape().note({.saved = {x.storage(), mean.storage(), deviation.storage()},
                               .inputs = {x.gradient()},
                               .beside = detail::norm_sums(x, dim, 2, trained),
                               .parameters = trained ? 2 * dim * x.width() : 0}));
}

// One kernel on a GPU. On the CPU LibTorch composes it: (wide * rsqrt(mean(wide^2) + epsilon)) * weight, wide
// in float32.
template <long dim>
constexpr Symbol rms_norm(const Symbol& x, const nn::Parameter<dim>& weight, double) {
  detail::check_width(x, dim);
  Tape& tape = x.tape();
  const bool trained = weight.gradient != nullptr;
  const Shape rows{x.numel() / dim, 1};
  if (tape.run == kernels::cuda) {
    const Symbol root(tape, rows, Values::f32);
    return symbolic::like(x, {.saved = {x.storage(), root.storage()},
                              .inputs = {x.gradient()},
                              .beside = detail::norm_sums(x, dim, 1, trained),
                              .parameters = trained ? dim * x.width() : 0});
  }
  const Symbol wide = symbolic::to(x, Values::f32);
  const int squared =
      tape.note({.saved = {wide.storage()}, .inputs = {wide.gradient()}, .beside = 2 * wide.bytes()});
  tape.touch(wide.bytes());
  const Symbol root(tape, rows, Values::f32, tape.note({.inputs = Tape::Input{squared, wide.bytes()}}));
  const Symbol scaled = symbolic::like(wide, {.saved = {wide.storage(), root.storage()},
                                              .inputs = {wide.gradient(), root.gradient()},
                                              .beside = wide.bytes()});
  const Symbol weighted(tape, x.shape(), Values::f32,
                        tape.note({.saved = {scaled.storage()},
                                   .inputs = {scaled.gradient()},
                                   .beside = trained ? scaled.bytes() : 0,
                                   .parameters = trained ? dim * x.width() : 0}));
  return symbolic::to(weighted, x.values());
}

template <long dim>
constexpr std::array<Symbol, 2> add_layer_norm(const Symbol& x, const Symbol& delta,
                                               const nn::Parameter<dim>& weight,
                                               const nn::Parameter<dim>& bias, double epsilon) {
  if (x.tape().run == kernels::cuda) return detail::add_norm(x, delta, dim, 2, weight.gradient != nullptr);
  const Symbol sum = x + delta;
  return {sum, layer_norm(sum, weight, bias, epsilon)};
}

template <long dim>
constexpr std::array<Symbol, 2> add_rms_norm(const Symbol& x, const Symbol& delta,
                                             const nn::Parameter<dim>& weight, double epsilon) {
  if (x.tape().run == kernels::cuda) return detail::add_norm(x, delta, dim, 1, weight.gradient != nullptr);
  const Symbol sum = x + delta;
  return {sum, rms_norm(sum, weight, epsilon)};
}

constexpr Symbol gelu(const Symbol& x) {
  return symbolic::like(x, {.saved = {x.storage()}, .inputs = {x.gradient()}});
}

// silu(gate) * up: one kernel on a GPU, as rope is.
constexpr Symbol silu_mul(const Symbol& gate, const Symbol& up) {
  if (gate.tape().run == kernels::cuda)
    return symbolic::like(
        gate, {.saved = {gate.storage(), up.storage()}, .inputs = {gate.gradient(), up.gradient()}});
  const Symbol opened = symbolic::like(gate, {.saved = {gate.storage()}, .inputs = {gate.gradient()}});
  return symbolic::like(
      up, {.saved = {opened.storage(), up.storage()}, .inputs = {opened.gradient(), up.gradient()}});
}

template <long out, long in>
constexpr Symbol gated_linear(const Symbol& gate, const Symbol& up, const nn::Parameter<out, in>& weight) {
  detail::check_width(gate, in);
  detail::check_width(up, in);
  Tape& tape = gate.tape();
  if (tape.run == kernels::cpu) return linear(silu_mul(gate, up), weight);
  const long rows = gate.numel() / in;
  const double flops = 2.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out);
  const Symbol product(tape, gate.shape(), gate.values());
  tape.compute_product(flops);
  const bool trained = weight.gradient != nullptr;
  Tape::Node node{.saved = {gate.storage(), up.storage()},
                  .inputs = {gate.gradient(), up.gradient()},
                  .beside = gate.bytes(),
                  .flops = flops * (1 + trained)};
  if (trained) {
    node.weight = &weight.gradient->fresh;
    node.weight_bytes = out * in * gate.width();
  }
  Shape shape = gate.shape();
  shape.back() = out;
  return Symbol(tape, shape, gate.values(),
                trained || gate.node() >= 0 || up.node() >= 0 ? tape.note(node) : -1);
}

constexpr Symbol rope(const Symbol& x, long heads, double) {
  Tape& tape = x.tape();
  if (tape.run == kernels::cuda) return symbolic::like(x, {.inputs = {x.gradient()}});
  const long tokens = x.size(-2), half = x.size(-1) / heads / 2;
  const Symbol angle(tape, {tokens, half}, Values::f32), cosine = angle,
                                                         sine(tape, angle.shape(), Values::f32);
  const std::vector<Symbol> halves = symbolic::chunk(symbolic::to(x, Values::f32), 2);
  const auto times = [](const Symbol& a, const Symbol& constant) {
    return symbolic::like(a, {.saved = {constant.storage()}, .inputs = {a.gradient()}});
  };
  const Symbol turned = symbolic::cat(times(halves[0], cosine) - times(halves[1], sine),
                                      times(halves[1], cosine) + times(halves[0], sine));
  return symbolic::to(turned, x.values());
}

constexpr Symbol causal_attention(const Symbol& query, const Symbol& key, const Symbol& value, long heads,
                                  long kv_heads) {
  return detail::attend(query, heads, kv_heads != heads, {query.storage(), key.storage(), value.storage()},
                        {query.gradient(), key.gradient(), value.gradient()});
}

constexpr Symbol causal_attention(const Symbol& query_key_value, long heads) {
  const std::vector<Symbol> part = symbolic::chunk(query_key_value, 3);
  return causal_attention(part[0], part[1], part[2], heads, heads);
}

constexpr Symbol cross_entropy(const Symbol& logits, const Symbol&) {
  const Symbol wide = symbolic::to(logits, Values::f32);
  const Symbol logarithms(wide.tape(), wide.shape(), Values::f32);
  const int softmax = wide.tape().note({.saved = {logarithms.storage()}, .inputs = {wide.gradient()}});
  return Symbol(wide.tape(), {}, Values::f32,
                wide.tape().note(
                    {.saved = {logarithms.storage()}, .inputs = Tape::Input{softmax, logarithms.bytes()}}));
}

// On a GPU the logits wait for backward, and their gradient takes their place.
template <long out, long in>
constexpr Symbol linear_cross_entropy(const Symbol& x, const nn::Parameter<out, in>& weight,
                                      const Symbol& targets) {
  detail::check_width(x, in);
  Tape& tape = x.tape();
  if (tape.run == kernels::cpu) return cross_entropy(linear(x, weight), targets);
  const long rows = x.numel() / in;
  const double product = 2.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out);
  const bool trained = weight.gradient != nullptr;
  tape.compute_now(product);
  const Symbol logits(tape, {rows, out}, x.values()), log_sums(tape, {rows}, Values::f32),
      losses(tape, {rows}, Values::f32);
  Tape::Node node{.saved = {logits.storage(), log_sums.storage(), targets.storage()},
                  .inputs = {x.gradient()},
                  .flops = product * ((x.node() >= 0) + trained)};
  if (trained) {
    node.saved.push_back(x.storage());
    node.weight = &weight.gradient->fresh;
    node.weight_bytes = out * in * x.width();
  }
  return Symbol(tape, {}, Values::f32, trained || x.node() >= 0 ? tape.note(node) : -1);
}

}  // namespace ashlar::ops
