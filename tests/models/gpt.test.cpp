#include <ashlar/models/gpt.hpp>

#include <ATen/ATen.h>

#include <ashlar/model/standalone.hpp>

#include "nn/reference.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

constexpr models::GptShape shape{.vocabulary = 11, .context = 9, .layers = 2, .heads = 3, .dim = 12};
using Model = models::Gpt<shape>;

// GPT-2 spelled out with the names of the parameters and nothing of the library's.
Tensor logits(const reference::Weights& w, const Tensor& ids) {
  const long tokens = ids.size(1);
  Tensor x = w.at("tokens.weight").index({ids}) + w.at("positions.weight").slice(0, 0, tokens);
  for (long layer = 0; layer < shape.layers; ++layer) {
    const auto p = [&](const std::string& name) {
      return w.at("blocks." + std::to_string(layer) + "." + name);
    };
    Tensor h = reference::layer_norm(x, p("attention_norm.weight"), p("attention_norm.bias"));
    const Tensor qkv =
        h.matmul(p("attention.query_key_value.weight").t()) + p("attention.query_key_value.bias");
    const auto part = qkv.split(shape.dim, -1);
    h = reference::causal_attention(part[0], part[1], part[2], shape.heads, shape.heads);
    x = x + h.matmul(p("attention.project.weight").t()) + p("attention.project.bias");
    h = reference::layer_norm(x, p("mlp_norm.weight"), p("mlp_norm.bias"));
    h = reference::gelu(h.matmul(p("mlp.up.weight").t()) + p("mlp.up.bias"));
    x = x + h.matmul(p("mlp.down.weight").t()) + p("mlp.down.bias");
  }
  return reference::layer_norm(x, w.at("norm.weight"), w.at("norm.bias")).matmul(w.at("tokens.weight").t());
}

TEST_CASE("Gpt equals GPT-2 written out, with all gradients") {
  const Standalone<Model> model(1);
  const Tensor ids = reference::ids({2, 7}, shape.vocabulary, 2), targets = reference::ids({2, 7}, 11, 3);
  reference::perturb(model.parameters(), 4);  // so that no bias is zero and no norm's weight is one
  reference::require_equal_models(
      model.parameters(), [&] { return model.forward(ids); }, [&] { return model.loss(ids, targets); },
      [&](const reference::Weights& w) { return logits(w, ids); }, targets);
}

TEST_CASE("a later token never changes an earlier logit of Gpt") {
  const Standalone<Model> model(1);
  reference::require_causal([&](const Tensor& ids) { return model.forward(ids); }, shape.vocabulary, 9);
}

TEST_CASE("Gpt in bfloat16 stays close to float32, with a float32 loss") {
  reference::require_bf16_close<Model>(shape.vocabulary, 9);
}

TEST_CASE("Gpt starts near the loss of a uniform guess") {
  const Standalone<Model> model(1);
  const Tensor ids = reference::ids({4, 9}, shape.vocabulary, 2), targets = reference::ids({4, 9}, 11, 3);
  // ln 11 = 2.398: with weights of deviation 0.02 the logits are close to zero.
  CHECK(model.loss(ids, targets).item<double>() == Catch::Approx(2.398).margin(0.02));
}

TEST_CASE("Gpt refuses more tokens than its context") {
  const Standalone<Model> model(1);
  CHECK_THROWS_WITH(
      model.forward(at::zeros({1, 10}, at::kLong)),
      Catch::Matchers::ContainsSubstring("[ashlar.nn.1] expected sequences of at most 9 tokens, got 10"));
}

TEST_CASE("the tied head is the token embedding: one tensor, one gradient") {
  const Standalone<Model> model(1);
  REQUIRE(model.parameters()[0].name == "tokens.weight");
  CHECK(model.model().head.owner == &model.model().tokens);
  CHECK(model.parameters().size() == 2 + 2 * 12 + 2);
}

}  // namespace
}  // namespace ashlar
