// Llama: the architecture of Llama 2 and 3. Touvron et al. 2023, arXiv:2307.09288; Grattafiori et al. 2024,
// arXiv:2407.21783.
#pragma once

#include <array>
#include <boost/hana/define_struct.hpp>
#include <type_traits>

#include <ashlar/nn/embedding.hpp>
#include <ashlar/nn/grouped_query_attention.hpp>
#include <ashlar/nn/head.hpp>
#include <ashlar/nn/rms_norm.hpp>
#include <ashlar/nn/swi_glu.hpp>
#include <ashlar/nn/tied.hpp>

namespace ashlar::models {

// The defaults are Llama 3's 8B, of 8,030,261,248 parameters.
struct LlamaShape {
  long vocabulary = 128256;
  long layers = 32;
  long dim = 4096;
  long heads = 32;
  long kv_heads = 8;
  long ffn = 14336;
  long rope_base = 500000;
  bool tied = false;  // whether the head uses the token embedding again
};

inline constexpr LlamaShape llama3_8b{};

template <LlamaShape shape>
struct LlamaBlock {
  using Norm = nn::RmsNorm<shape.dim>;
  using Attention = nn::GroupedQueryAttention<shape.dim, shape.heads, shape.kv_heads>;
  using Mlp = nn::SwiGlu<shape.dim, shape.ffn>;
  BOOST_HANA_DEFINE_STRUCT(LlamaBlock, (Norm, attention_norm), (Attention, attention), (Norm, mlp_norm),
                           (Mlp, mlp));

  // GPT-2's rule: what is added to the residual stream starts smaller by the root of how often that happens.
  static constexpr nn::Init inner = nn::normal(0.02);
  static constexpr nn::Init residual = nn::normal(0.02 / nn::square_root(2 * shape.layers));
  constexpr LlamaBlock() : attention(inner, residual, shape.rope_base), mlp(inner, residual) {}

  constexpr auto forward(auto& run, const auto& x) const {  // (B, T, dim) -> same
    const auto [h, normed] = run(mlp_norm, x, run(attention, run(attention_norm, x)));
    return h + run(mlp, normed);
  }
};

template <LlamaShape shape>
struct Llama {
  using Block = LlamaBlock<shape>;
  using Tokens = nn::Embedding<shape.vocabulary, shape.dim>;
  using Blocks = std::array<Block, shape.layers>;
  using Norm = nn::RmsNorm<shape.dim>;
  using OwnHead = nn::Head<shape.dim, shape.vocabulary>;
  using Head = std::conditional_t<shape.tied, nn::Tied<Tokens>, OwnHead>;
  BOOST_HANA_DEFINE_STRUCT(Llama, (Tokens, tokens), (Blocks, blocks), (Norm, norm), (Head, head));

  constexpr Llama() : tokens(nn::normal(0.02)) {}

  constexpr auto forward(auto& run, const auto& ids) const {  // (B, T), int64 -> (B, T, vocabulary)
    const auto x = trunk(run, ids);
    if constexpr (shape.tied)
      return ops::linear(x, head->weight);
    else
      return run(head, x);
  }

  constexpr auto loss(auto& run, const auto& ids,
                      const auto& targets) const {  // (B, T), int64 -> scalar, float32
    const auto x = trunk(run, ids);
    if constexpr (shape.tied)
      return ops::linear_cross_entropy(x, head->weight, targets);
    else
      return run(head, x, targets);
  }

 private:
  constexpr auto trunk(auto& run, const auto& ids) const {  // (B, T), int64 -> (B, T, dim)
    auto x = run(tokens, ids);
    for (const Block& block : blocks) x = run(block, x);
    return run(norm, x);
  }
};

}  // namespace ashlar::models
