// Gpt: GPT-2's architecture. Radford et al. 2019, "Language Models are Unsupervised Multitask Learners".
#pragma once

#include <array>
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/causal_self_attention.hpp>
#include <ashlar/nn/embedding.hpp>
#include <ashlar/nn/layer_norm.hpp>
#include <ashlar/nn/mlp.hpp>
#include <ashlar/nn/tied.hpp>

namespace ashlar::models {

// The defaults are GPT-2's smallest, of 124,439,808 parameters.
struct GptShape {
  long vocabulary = 50257;
  long context = 1024;  // the most tokens that the model sees at once
  long layers = 12;
  long heads = 12;
  long dim = 768;
};

inline constexpr GptShape gpt2{};

template <GptShape shape>
struct GptBlock {
  using Norm = nn::LayerNorm<shape.dim>;
  using Attention = nn::CausalSelfAttention<shape.dim, shape.heads>;
  using Mlp = nn::Mlp<shape.dim>;
  BOOST_HANA_DEFINE_STRUCT(GptBlock, (Norm, attention_norm), (Attention, attention), (Norm, mlp_norm),
                           (Mlp, mlp));

  // Section 2.3: what is added to the residual stream starts smaller by the root of how often that happens.
  static constexpr nn::Init inner = nn::normal(0.02);
  static constexpr nn::Init residual = nn::normal(0.02 / nn::square_root(2 * shape.layers));
  constexpr GptBlock() : attention(inner, residual), mlp(inner, residual) {}

  constexpr auto forward(auto& run, const auto& x) const {  // (B, T, dim) -> same
    const auto [h, normed] = run(mlp_norm, x, run(attention, run(attention_norm, x)));
    return h + run(mlp, normed);
  }
};

template <GptShape shape>
struct Gpt {
  using Block = GptBlock<shape>;
  using Tokens = nn::Embedding<shape.vocabulary, shape.dim>;
  using Positions = nn::Embedding<shape.context, shape.dim, struct PositionsTag>;
  using Blocks = std::array<Block, shape.layers>;
  using Norm = nn::LayerNorm<shape.dim>;
  using Head = nn::Tied<Tokens>;
  BOOST_HANA_DEFINE_STRUCT(Gpt, (Tokens, tokens), (Positions, positions), (Blocks, blocks), (Norm, norm),
                           (Head, head));

  constexpr Gpt() : tokens(nn::normal(0.02)), positions(nn::normal(0.02)) {}

  constexpr auto forward(auto& run, const auto& ids) const {  // (B, T), int64 -> (B, T, vocabulary)
    return ops::linear(trunk(run, ids), head->weight);
  }

  constexpr auto loss(auto& run, const auto& ids,
                      const auto& targets) const {  // (B, T), int64 -> scalar, float32
    return ops::linear_cross_entropy(trunk(run, ids), head->weight, targets);
  }

 private:
  constexpr auto trunk(auto& run, const auto& ids) const {  // (B, T), int64 -> (B, T, dim)
    auto x = run(tokens, ids) + run(positions, ops::positions(ids, shape.context));
    for (const Block& block : blocks) x = run(block, x);
    return run(norm, x);
  }
};

}  // namespace ashlar::models
