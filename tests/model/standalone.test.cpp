#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <ashlar/model/standalone.hpp>

#include <ashlar/models/gpt.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/nn/lora.hpp>

#include "support/catch.hpp"

namespace ashlar {
namespace {

using Gpt = models::Gpt<models::GptShape{.vocabulary = 11, .context = 9, .layers = 2, .heads = 3, .dim = 12}>;

std::vector<std::string> names(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> result;
  for (const NamedTensor& t : tensors) result.push_back(t.name);
  return result;
}

TEST_CASE("the same seed makes the same model, another seed another") {
  const Standalone<Gpt> a(1), b(1), c(2);
  for (std::size_t i = 0; i < a.parameters().size(); ++i) {
    INFO(a.parameters()[i].name);
    CHECK(at::equal(a.parameters()[i].tensor, b.parameters()[i].tensor));
    if (a.parameters()[i].decays) CHECK_FALSE(at::equal(a.parameters()[i].tensor, c.parameters()[i].tensor));
  }
}

TEST_CASE("equal parameters of two blocks start with different numbers") {
  const Standalone<Gpt> model(1);
  std::map<std::string, Tensor> at_name;
  for (const NamedTensor& p : model.parameters()) at_name[p.name] = p.tensor;
  CHECK_FALSE(at::equal(at_name.at("blocks.0.mlp.up.weight"), at_name.at("blocks.1.mlp.up.weight")));
}

TEST_CASE("parameters are leaves in order of declaration, and matrices decay") {
  const Standalone<Gpt> model(1);
  const auto& parameters = model.parameters();
  REQUIRE(parameters.size() == 2 + 2 * 12 + 2);
  CHECK(parameters[3].name == "blocks.0.attention_norm.bias");
  for (const NamedTensor& p : parameters) {
    CHECK(p.tensor.is_leaf());
    CHECK(p.tensor.requires_grad());
    CHECK(p.trainable);
    CHECK(p.decays == (p.tensor.dim() >= 2));
  }
}

TEST_CASE("options choose the type of the parameters") {
  const Standalone<Gpt> model(1, at::kBFloat16);
  for (const NamedTensor& p : model.parameters()) CHECK(p.tensor.scalar_type() == at::kBFloat16);
}

// A buffer, a Lora with its frozen base, a list of lists, a torch module, and one used twice.
struct Mixed {
  using Scale = nn::Buffer<3>;
  using Adapted = nn::Lora<nn::Linear<3, 3>, 1>;
  using Grid = std::array<std::array<nn::Linear<3, 3, false>, 2>, 2>;
  using Again = nn::Tied<Adapted>;
  BOOST_HANA_DEFINE_STRUCT(Mixed, (Scale, scale), (Adapted, adapted), (Grid, grid), (torch::nn::Linear, old),
                           (nn::Frozen<torch::nn::Linear>, held), (Again, again));

  Mixed() : old(3, 3), held{torch::nn::Linear(3, 3)} { scale.init = nn::ones(); }

  auto forward(auto& run, const auto& input) const {
    auto x = run(adapted, input * *scale);
    for (const auto& row : grid)
      for (const auto& layer : row) x = run(layer, x);
    return ops::linear(run(held, run(old, x)), again->b, again->a);
  }
};

TEST_CASE("every kind of member is met, named and bound") {
  const Standalone<Mixed> model(1);
  CHECK(names(model.parameters()) ==
        std::vector<std::string>{"adapted.base.weight", "adapted.base.bias", "adapted.a", "adapted.b",
                                 "grid.0.0.weight", "grid.0.1.weight", "grid.1.0.weight", "grid.1.1.weight",
                                 "old.weight", "old.bias", "held.weight", "held.bias"});
  CHECK(names(model.buffers()) == std::vector<std::string>{"scale"});
  std::vector<bool> trainable;
  for (const NamedTensor& p : model.parameters()) {
    trainable.push_back(p.trainable);
    CHECK(p.tensor.requires_grad() == p.trainable);
  }
  CHECK(trainable ==
        std::vector<bool>{false, false, true, true, true, true, true, true, true, true, false, false});
  CHECK(model.model().again.owner == &model.model().adapted);
}

// With a constructor, the compiler cannot see that a member is not declared.
struct Forgetful {
  using Layer = nn::Linear<3, 3>;
  BOOST_HANA_DEFINE_STRUCT(Forgetful, (Layer, first));
  Layer second;

  Forgetful() { second.weight.init = nn::ones(); }
  auto forward(auto& run, const auto& x) const { return run(second, run(first, x)); }
};

TEST_CASE("a parameter that is not declared says so when it is read") {
  const Standalone<Forgetful> model(1);
  CHECK_THROWS_WITH(model.forward(at::ones({1, 3})), Catch::Matchers::ContainsSubstring("[ashlar.model.12]"));
}

struct Tower {
  using Layers = std::array<torch::nn::Linear, 2>;
  BOOST_HANA_DEFINE_STRUCT(Tower, (Layers, layers));
  Tower() : layers{torch::nn::Linear(3, 4), torch::nn::Linear(4, 2)} {}
  auto forward(auto& run, const auto& x) const { return run(layers[1], run(layers[0], x)); }
};

TEST_CASE("torch modules keep their own numbers and are called as they are") {
  Tower tower;
  const Tensor x = at::ones({2, 3});
  const Tensor expected = tower.layers[1]->forward(tower.layers[0]->forward(x));
  const Standalone<Tower> model(1, {}, tower);
  CHECK(at::equal(model.forward(x), expected));
  CHECK(names(model.parameters())[2] == "layers.1.weight");
}

TEST_CASE("a whole torch model runs too, with its buffers") {
  torch::nn::Sequential net(torch::nn::Linear(3, 4), torch::nn::BatchNorm1d(4));
  const Standalone<torch::nn::Sequential> model(1, {}, net);
  CHECK(names(model.parameters()) == std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias"});
  CHECK(model.buffers().size() == 3);
  model.forward(at::rand({5, 3})).sum().backward();
  CHECK(net->parameters()[0].grad().defined());  // the module itself was run, not a copy
}

}  // namespace
}  // namespace ashlar
