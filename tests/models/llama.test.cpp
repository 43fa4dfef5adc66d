#include <ashlar/models/llama.hpp>

#include <ATen/ATen.h>

#include <ashlar/model/standalone.hpp>

#include "nn/reference.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

constexpr models::LlamaShape shape{
    .vocabulary = 13, .layers = 2, .dim = 24, .heads = 6, .kv_heads = 2, .ffn = 17, .rope_base = 500};
constexpr models::LlamaShape tied_shape{.vocabulary = 13,
                                        .layers = 2,
                                        .dim = 24,
                                        .heads = 6,
                                        .kv_heads = 6,
                                        .ffn = 17,
                                        .rope_base = 500,
                                        .tied = true};

// Llama spelled out with the names of the parameters and nothing of the library's.
Tensor logits(const reference::Weights& w, const Tensor& ids, const models::LlamaShape& s) {
  Tensor x = w.at("tokens.weight").index({ids});
  for (long layer = 0; layer < s.layers; ++layer) {
    const auto p = [&](const std::string& name) {
      return w.at("blocks." + std::to_string(layer) + "." + name + ".weight");
    };
    Tensor h = reference::rms_norm(x, p("attention_norm"));
    const Tensor query = reference::rope(h.matmul(p("attention.query").t()), s.heads, double(s.rope_base));
    const Tensor key = reference::rope(h.matmul(p("attention.key").t()), s.kv_heads, double(s.rope_base));
    const Tensor value = h.matmul(p("attention.value").t());
    h = reference::causal_attention(query, key, value, s.heads, s.kv_heads);
    x = x + h.matmul(p("attention.project").t());
    h = reference::rms_norm(x, p("mlp_norm"));
    h = reference::silu_mul(h.matmul(p("mlp.gate").t()), h.matmul(p("mlp.up").t()));
    x = x + h.matmul(p("mlp.down").t());
  }
  return reference::rms_norm(x, w.at("norm.weight"))
      .matmul(w.at(s.tied ? "tokens.weight" : "head.weight").t());
}

template <models::LlamaShape s>
void require_equal_to_reference() {
  const Standalone<models::Llama<s>> model(1);
  const Tensor ids = reference::ids({2, 7}, s.vocabulary, 2),
               targets = reference::ids({2, 7}, s.vocabulary, 3);
  reference::perturb(model.parameters(), 4);
  reference::require_equal_models(
      model.parameters(), [&] { return model.forward(ids); }, [&] { return model.loss(ids, targets); },
      [&](const reference::Weights& w) { return logits(w, ids, s); }, targets);
}

TEST_CASE("Llama equals its formulas written out, with all gradients") {
  SECTION("grouped queries, a head of its own") {
    require_equal_to_reference<shape>();
  }
  SECTION("one query a key, a tied head") {
    require_equal_to_reference<tied_shape>();
  }
}

TEST_CASE("a later token never changes an earlier logit of Llama") {
  const Standalone<models::Llama<shape>> model(1);
  reference::require_causal([&](const Tensor& ids) { return model.forward(ids); }, shape.vocabulary, 9);
}

TEST_CASE("Llama in bfloat16 stays close to float32, with a float32 loss") {
  reference::require_bf16_close<models::Llama<shape>>(shape.vocabulary, 9);
}

TEST_CASE("Llama starts near the loss of a uniform guess") {
  const Standalone<models::Llama<shape>> model(1);
  const Tensor ids = reference::ids({4, 9}, shape.vocabulary, 2), targets = reference::ids({4, 9}, 13, 3);
  CHECK(model.loss(ids, targets).item<double>() == Catch::Approx(2.565).margin(0.1));  // ln 13
}

}  // namespace
}  // namespace ashlar
