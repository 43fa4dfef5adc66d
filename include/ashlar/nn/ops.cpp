#include <ashlar/nn/ops.hpp>

#include <ATen/ATen.h>
#include <ATen/SDPBackend.h>
#include <ATen/autocast_mode.h>
#include <ATen/ops/_fused_sdp_choice_native.h>
#include <torch/csrc/autograd/custom_function.h>

#include <limits>
#include <string>

#include <ashlar/engine/recomputation.hpp>
#include <ashlar/error.hpp>
#include <ashlar/kernels/ops.hpp>
#include <ashlar/nn/weight_gradient.hpp>

namespace ashlar::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensor split_heads(const Tensor& x, long heads) {  // (B, T, H*D) -> (B, H, T, D)
  return x.unflatten(-1, {heads, x.size(-1) / heads}).transpose(1, 2);
}

Tensor sum_of_rows(const Tensor& x) {  // (rows, columns) -> (columns)
  if constexpr (cuda::has_kernels)
    if (cuda::takes(x) && !at::GradMode::is_enabled()) return cuda::column_sums(x);
  return x.sum(0);
}

// at::linear, but the weight's gradient is written into its window, not handed to autograd, while that is
// writable. Later ones go through autograd, so that sums are added up in the order of a plain loop.
struct LinearInto : torch::autograd::Function<LinearInto> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight, const Tensor& gradient,
                        const std::optional<Tensor>& bias) {
    ctx->save_for_backward({x, weight, gradient, bias.value_or(Tensor())});
    return Recomputation::product(x, weight, [&] { return at::linear(x, weight, bias); });
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& outer) {
    const variable_list saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const Tensor g = outer[0].flatten(0, -2);  // (rows, out)

    const Tensor input = ctx->needs_input_grad(0) ? g.mm(weight).view_as(x) : Tensor();
    const Tensor into_autograd =
        ctx->needs_input_grad(1) ? nn::weight_gradient(g, x.flatten(0, -2), saved[2]) : Tensor();
    const bool bias = saved[3].defined() && ctx->needs_input_grad(3);
    return {input, into_autograd, Tensor(), bias ? sum_of_rows(g) : Tensor()};
  }
};

Tensor linear_with(const Tensor& x, const nn::AnyParameter& weight, const std::optional<Tensor>& bias) {
  const bool casts = at::autocast::is_autocast_enabled(x.device().type());  // then autograd leads them back
  if (casts || weight.gradient == nullptr || !at::GradMode::is_enabled()) return at::linear(x, *weight, bias);
  return LinearInto::apply(x, *weight, *weight.gradient->self, bias);
}

// at::scaled_dot_product_attention, whose results a recomputed layer keeps, by the kernels whose backward
// reads their output and its log-sum-exp.
struct Attention : torch::autograd::Function<Attention> {
  static constexpr double dropout = 0;
  static constexpr bool causal = true;

  static bool takes(const Tensor& query, const Tensor& key, const Tensor& value) {
    const bool on_cpu = query.is_cpu(), shares_keys = query.size(1) != key.size(1);
    const long best =
        on_cpu ? at::native::_fused_sdp_choice_cpp(query, key, value, {}, dropout, causal,
                                                   /*scale=*/{}, shares_keys)
               : at::_fused_sdp_choice(query, key, value, {}, dropout, causal, /*scale=*/{}, shares_keys);
    return best ==
           static_cast<long>(on_cpu ? at::SDPBackend::flash_attention : at::SDPBackend::cudnn_attention);
  }

  static Tensor forward(AutogradContext* ctx, const Tensor& query, const Tensor& key, const Tensor& value) {
    const Recomputation::Results results = Recomputation::once([&]() -> Recomputation::Results {
      if (query.is_cpu()) {
        const auto [out, log_sums] =
            at::_scaled_dot_product_flash_attention_for_cpu(query, key, value, dropout, causal);
        return {out, log_sums};
      }
      const auto made = at::_scaled_dot_product_cudnn_attention(query, key, value, /*attn_bias=*/{},
                                                                /*compute_log_sumexp=*/true, dropout, causal);
      return {std::get<0>(made), std::get<1>(made), std::get<6>(made), std::get<7>(made)};
    });
    const auto& [out, log_sums, seed, offset] = results;
    ctx->save_for_backward({query, key, value, out, log_sums, seed, offset});
    return out.detach();
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& outer) {
    const variable_list saved = ctx->get_saved_variables();
    const Tensor &query = saved[0], &key = saved[1], &value = saved[2], &out = saved[3], &log_sums = saved[4];
    const auto [of_query, of_key, of_value] =
        query.is_cpu() ? at::_scaled_dot_product_flash_attention_for_cpu_backward(
                             outer[0], query, key, value, out, log_sums, dropout, causal)
                       : at::_scaled_dot_product_cudnn_attention_backward(
                             outer[0], query, key, value, out, log_sums, /*philox_seed=*/saved[5],
                             /*philox_offset=*/saved[6], /*attn_bias=*/{}, /*cum_seq_q=*/{},
                             /*cum_seq_k=*/{}, query.size(2), key.size(2), dropout, causal);
    return {of_query, of_key, of_value};
  }
};

// Ids or targets as LibTorch takes them: int64. [ashlar.nn.7]: no whole numbers.
Tensor whole_numbers(const Tensor& ids, const char* what) {
  if (!at::isIntegralType(ids.scalar_type(), /*includeBool=*/false))
    throw Error("nn.7", std::string(what) + " of whole numbers", at::toString(ids.scalar_type()),
                "convert them by to(torch::kLong)");
  return ids.to(at::kLong);
}

// What make() returns, or throws, but [ashlar.nn.8] where `ids` are not from 0 to `words` - 1. LibTorch looks
// at them anyway on a CPU, so nobody else does before.
Tensor within(const Tensor& ids, const char* what, long words, auto&& make) {
  try {
    return make();
  } catch (const c10::Error&) {
    if (ids.numel() == 0 || !ids.is_cpu()) throw;
    const long least = ids.min().item<long>(), most = ids.max().item<long>();
    if (least >= 0 && most < words) throw;
    throw Error("nn.8", std::string(what) + " from 0 to " + std::to_string(words - 1),
                std::to_string(least < 0 ? least : most), "change them or the model's vocabulary");
  }
}

// The targets of so many rows, 1D. [ashlar.nn.9]: not as many.
Tensor targets_of(long rows, const Tensor& targets) {
  const long count = targets.defined() ? targets.numel() : 0;
  if (count != rows || !targets.defined())
    throw Error("nn.9", "a target for each of " + std::to_string(rows) + " rows of logits",
                std::to_string(count), "cut inputs and targets alike");
  return whole_numbers(targets, "targets").flatten();
}

}  // namespace

Tensor linear(const Tensor& x, const nn::AnyParameter& weight) {
  return linear_with(x, weight, std::nullopt);
}

Tensor linear(const Tensor& x, const nn::AnyParameter& weight, const nn::AnyParameter& bias) {
  return linear_with(x, weight, *bias);
}

Tensor embedding(const Tensor& ids, const nn::AnyParameter& weight) {
  const Tensor words = whole_numbers(ids, "ids");
  if constexpr (cuda::has_kernels)
    if (weight.gradient != nullptr && at::GradMode::is_enabled() && cuda::takes(*weight))
      return cuda::embedding(words, *weight, *weight.gradient);
  return within(words, "ids", (*weight).size(0), [&] { return at::embedding(*weight, words); });
}

Tensor positions(const Tensor& ids, long context) {
  const long tokens = ids.size(-1);
  detail::check_context(tokens, context);
  return at::arange(tokens, ids.options().dtype(at::kLong));
}

Tensor layer_norm(const Tensor& x, const nn::AnyParameter& weight, const nn::AnyParameter& bias,
                  double epsilon) {
  if constexpr (cuda::has_kernels)
    if (cuda::takes_norm(x, *weight)) return cuda::layer_norm(x, *weight, *bias, epsilon);
  return at::layer_norm(x, (*weight).sizes(), *weight, *bias, epsilon);
}

Tensor rms_norm(const Tensor& x, const nn::AnyParameter& weight, double epsilon) {
  if constexpr (cuda::has_kernels)
    if (cuda::takes_norm(x, *weight)) return cuda::rms_norm(x, *weight, epsilon);
  return at::rms_norm(x, (*weight).sizes(), *weight, epsilon);
}

std::array<Tensor, 2> add_layer_norm(const Tensor& x, const Tensor& delta, const nn::AnyParameter& weight,
                                     const nn::AnyParameter& bias, double epsilon) {
  if constexpr (cuda::has_kernels)
    if (cuda::takes_norm(x, *weight) && cuda::same_kind(x, delta))
      return cuda::add_layer_norm(x, delta, *weight, *bias, epsilon);
  const Tensor sum = x + delta;
  return {sum, layer_norm(sum, weight, bias, epsilon)};
}

std::array<Tensor, 2> add_rms_norm(const Tensor& x, const Tensor& delta, const nn::AnyParameter& weight,
                                   double epsilon) {
  if constexpr (cuda::has_kernels)
    if (cuda::takes_norm(x, *weight) && cuda::same_kind(x, delta))
      return cuda::add_rms_norm(x, delta, *weight, epsilon);
  const Tensor sum = x + delta;
  return {sum, rms_norm(sum, weight, epsilon)};
}

Tensor gelu(const Tensor& x) {
  return at::gelu(x, "tanh");
}

Tensor silu_mul(const Tensor& gate, const Tensor& up) {
  if constexpr (cuda::has_kernels)
    if (cuda::takes(gate)) return cuda::silu_mul(gate, up);
  return at::silu(gate) * up;
}

Tensor gated_linear(const Tensor& gate, const Tensor& up, const nn::AnyParameter& weight) {
  if constexpr (cuda::has_kernels)
    if (cuda::takes(gate)) return cuda::gated_linear(gate, up, weight);
  return linear(silu_mul(gate, up), weight);
}

Tensor rope(const Tensor& x, long heads, double base) {
  if constexpr (cuda::has_kernels)
    if (cuda::takes(x)) return cuda::rope(x, heads, base);
  const long tokens = x.size(-2), width = x.size(-1) / heads;
  // Angles are made anew in each call: a cache would tie a tensor to one stream, one graph capture and one
  // device.
  const auto float32 = x.options().dtype(at::kFloat);
  const Tensor frequency =
      at::pow(base, at::arange(0, width, 2, float32) / -static_cast<double>(width));    // (D/2)
  const Tensor angle = at::outer(at::arange(tokens, float32), frequency).unsqueeze(1);  // (T, 1, D/2)
  const Tensor cosine = angle.cos(), sine = angle.sin();

  const auto half = x.unflatten(-1, {heads, width}).to(at::kFloat).chunk(2, -1);  // two of (B, T, H, D/2)
  const Tensor turned = at::cat({half[0] * cosine - half[1] * sine, half[1] * cosine + half[0] * sine}, -1);
  return turned.flatten(-2).to(x.scalar_type());
}

Tensor causal_attention(const Tensor& query, const Tensor& key, const Tensor& value, long heads,
                        long kv_heads) {
  const Tensor q = split_heads(query, heads), k = split_heads(key, kv_heads),
               v = split_heads(value, kv_heads);
  const Tensor mixed =  // (B, H, T, D)
      Attention::takes(q, k, v)
          ? Attention::apply(q, k, v)
          : at::scaled_dot_product_attention(q, k, v, /*attn_mask=*/{}, Attention::dropout, Attention::causal,
                                             /*scale=*/{}, /*enable_gqa=*/heads != kv_heads);
  return mixed.transpose(1, 2).flatten(-2);
}

Tensor causal_attention(const Tensor& query_key_value, long heads) {
  const auto part = query_key_value.chunk(3, -1);
  return causal_attention(part[0], part[1], part[2], heads, heads);
}

Tensor cross_entropy(const Tensor& logits, const Tensor& targets) {
  // LibTorch would silently leave out targets of -100; a value no target can have makes them an error.
  constexpr auto nothing = std::numeric_limits<std::int64_t>::min();
  const Tensor rows = logits.flatten(0, -2), due = targets_of(rows.size(0), targets);
  return within(due, "targets", rows.size(1), [&] {
    return at::cross_entropy_loss(rows.to(at::kFloat), due, /*weight=*/{}, at::Reduction::Mean, nothing);
  });
}

Tensor linear_cross_entropy(const Tensor& x, const nn::AnyParameter& weight, const Tensor& targets) {
  if constexpr (cuda::has_kernels)
    if (cuda::takes(x))
      return cuda::linear_cross_entropy(x, weight, targets_of(x.numel() / x.size(-1), targets));
  return cross_entropy(linear(x, weight), targets);
}

}  // namespace ashlar::ops
