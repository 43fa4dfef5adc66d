// The models as constants: their parameter counts, names and order, without LibTorch.
#include <ashlar/model/bind.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/nn/lora.hpp>

namespace ashlar {
namespace {

using nn::Init;

template <class Model>
consteval long parameters(Role wanted = Role::trained) {
  Model model;
  long count = 0;
  for_each_tensor(model, [&](const Name&, auto& parameter, Role role) {
    if (role == wanted) count += parameter.numel;
  });
  return count;
}

template <class Model>
consteval Name name_of(int index) {
  Model model;
  Name found;
  for_each_tensor(model, [&](const Name& name, auto&, Role) {
    if (index-- == 0) found = name;
  });
  return found;
}

template <class Model>
consteval Init init_of(std::string_view wanted) {
  Model model;
  Init found;
  for_each_tensor(model, [&](const Name& name, auto& parameter, Role) {
    if (name.view() == wanted) found = parameter.init;
  });
  return found;
}

constexpr bool near(double a, double b) {
  return a - b < 1e-12 && b - a < 1e-12;
}

// The counts that the models' authors and Hugging Face's files state.
static_assert(parameters<models::Gpt<models::gpt2>>() == 124'439'808);
static_assert(parameters<models::Gpt<models::GptShape{.layers = 48, .heads = 25, .dim = 1600}>>() ==
              1'557'611'200);
static_assert(parameters<models::Llama<models::llama3_8b>>() == 8'030'261'248);
static_assert(
    parameters<models::Llama<models::LlamaShape{.layers = 80, .dim = 8192, .heads = 64, .ffn = 28672}>>() ==
    70'553'706'496);
static_assert(
    parameters<models::Llama<models::LlamaShape{.layers = 16, .dim = 2048, .ffn = 8192, .tied = true}>>() ==
    1'235'814'400);

// Shapes are types: equal shapes are the same model, and a block can be named to wrap it.
using Small = models::Gpt<models::GptShape{.vocabulary = 7, .context = 5, .layers = 3, .heads = 2, .dim = 4}>;
static_assert(std::is_same_v<models::Gpt<models::gpt2>, models::Gpt<models::GptShape{}>>);
static_assert(contains<Small, Small::Block> && ties<Small, Small::Tokens>);
static_assert(occurrences<Small, Small::Block>() == 3 && occurrences<Small, Small::Norm>() == 7);
static_assert(occurrences<Small, Small>() == 1 && occurrences<Small, nn::Linear<1, 1>>() == 0);

static_assert(name_of<Small>(0).view() == "tokens.weight");
static_assert(name_of<Small>(1).view() == "positions.weight");
static_assert(name_of<Small>(2).view() == "blocks.0.attention_norm.weight");
static_assert(name_of<Small>(4).view() == "blocks.0.attention.query_key_value.weight");
static_assert(name_of<Small>(2 + 3 * 12 + 1).view() == "norm.bias");
static_assert(name_of<Small>(2 + 3 * 12 + 2).view().empty(), "the tied head has no tensor of its own");

static_assert(init_of<Small>("tokens.weight").scale == 0.02);
static_assert(init_of<Small>("blocks.2.mlp.up.weight").scale == 0.02);
static_assert(near(init_of<Small>("blocks.2.mlp.down.weight").scale, 0.02 / 2.449489742783178));
static_assert(near(init_of<Small>("blocks.0.attention.project.weight").scale, 0.02 / 2.449489742783178));
static_assert(init_of<Small>("blocks.0.attention.project.bias").kind == Init::Kind::zeros);
static_assert(init_of<Small>("norm.weight").kind == Init::Kind::ones);
static_assert(near(init_of<nn::Linear<3, 1>>("bias").scale, 0.5773502691896258));

// What is frozen keeps its name and loses its training.
using Adapted = nn::Lora<nn::Linear<8, 6>, 2>;
static_assert(parameters<Adapted>() == 2 * (8 + 6));
static_assert(parameters<Adapted>(Role::frozen) == 8 * 6 + 6);
static_assert(name_of<Adapted>(0).view() == "base.weight");

// As many positions as ids: the two embeddings are still two types, and the head is tied to one of them.
using Square =
    models::Gpt<models::GptShape{.vocabulary = 64, .context = 64, .layers = 1, .heads = 1, .dim = 8}>;
static_assert(occurrences<Square, Square::Head::tied_owner>() == 1);

}  // namespace
}  // namespace ashlar
