// Every Wrap policy keeps the laws of its concept, on models with ties, frozen layers, lists and units inside
// units, and the laws refuse policies and censuses that are broken in one place.
// libtorch: no
#include <ashlar/laws/wrap.hpp>

#include <boost/hana/define_struct.hpp>

#include <ashlar/models/gpt.hpp>
#include <ashlar/models/llama.hpp>
#include <ashlar/nn/lora.hpp>
#include <ashlar/policies.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;

using Gpt = models::Gpt<models::GptShape{.vocabulary = 7, .context = 5, .layers = 3, .heads = 2, .dim = 4}>;
using Llama = models::Llama<models::LlamaShape{
    .vocabulary = 7, .layers = 2, .dim = 8, .heads = 2, .kv_heads = 1, .ffn = 6, .rope_base = 10000}>;

struct Adapted {
  using Base = nn::Linear<4, 4>;
  using Adapter = nn::Lora<Base, 2>;
  using Adapters = std::array<Adapter, 3>;
  using Head = nn::Frozen<nn::Linear<4, 1>>;
  using Offset = nn::Parameter<3>;
  BOOST_HANA_DEFINE_STRUCT(Adapted, (Offset, offset), (Adapters, adapters), (Head, head));
};

// A unit may have no parameter: here each but one.
struct Scale {
  using Factors = nn::Buffer<3>;
  BOOST_HANA_DEFINE_STRUCT(Scale, (Factors, factors));
};
struct Scaled {
  using Inner = nn::Linear<3, 3>;
  BOOST_HANA_DEFINE_STRUCT(Scaled, (Scale, before), (Inner, inner), (Scale, behind));
};
static_assert(laws::wrap<wrap::Each<Scale, Scaled::Inner>, Scaled>());

static_assert(laws::wrap<wrap::WholeModel, Gpt>());
static_assert(laws::wrap<wrap::WholeModel, Llama>());
static_assert(laws::wrap<wrap::WholeModel, Adapted>());
static_assert(laws::wrap<wrap::Each<Gpt::Block>, Gpt>());
static_assert(laws::wrap<wrap::Each<Gpt::Block, Gpt::Norm>, Gpt>());
static_assert(laws::wrap<wrap::Each<Llama::Block>, Llama>());
static_assert(laws::wrap<wrap::Each<Adapted::Adapter>, Adapted>());
static_assert(laws::wrap<wrap::Each<Adapted::Adapter, nn::Frozen<Adapted::Base>, Adapted::Base>, Adapted>());
static_assert(laws::wrap<wrap::Each<Adapted::Head>, Adapted>());
static_assert(laws::wrap<wrap::BySize<1>, Gpt>());
static_assert(laws::wrap<wrap::BySize<200>, Gpt>());
static_assert(laws::wrap<wrap::BySize<1 << 20>, Gpt>());
static_assert(laws::wrap<wrap::BySize<100>, Llama>());
static_assert(laws::wrap<wrap::BySize<1>, Adapted>());

// The policies in which one answer is wrong.
struct NeverApplies : wrap::WholeModel {
  template <class Model>
  static consteval bool applies() {
    return false;
  }
};
struct SplitsTies : wrap::Each<Gpt::Block> {  // the head is tied to the embedding
  template <class Model, class T>
  static consteval bool starts_unit() {
    return std::is_same_v<T, Gpt::Tokens>;
  }
};

using Absent = wrap::Each<nn::Linear<1, 1>>;

template <class Wrap>
std::string refusal() {
  return test::sentence([] { laws::wrap<Wrap, Gpt>(); });
}

TEST_CASE("the laws refuse a broken Wrap policy") {
  CHECK_THAT(refusal<NeverApplies>(), ContainsSubstring("[ashlar.law.7]"));
  CHECK_THAT(refusal<SplitsTies>(), ContainsSubstring("[ashlar.law.8]"));
  CHECK_THAT(refusal<Absent>(), ContainsSubstring("[ashlar.law.7]"));
}

// What the walk finds, with one thing changed.
std::string refusal(auto change) {
  Adapted model;
  Census census = take_census<wrap::Each<Adapted::Adapter, Adapted::Base>, checkpoint::None>(model);
  change(census);
  return test::sentence([&] { laws::units(census, model); });
}

TEST_CASE("the laws refuse a census that is not the model's") {
  // root; adapters.0, adapters.0.base, adapters.1, ...; offset, adapters.0.base.weight, ...
  CHECK(refusal([](Census& census) { REQUIRE(census.units.size() == 7); }) == "no error");
  CHECK_THAT(refusal([](Census& c) { c.units.clear(); }), ContainsSubstring("[ashlar.law.9]"));
  CHECK_THAT(refusal([](Census& c) { c.units.erase(c.units.begin()); }),
             ContainsSubstring("[ashlar.law.9]") && ContainsSubstring("unit 0 'adapters.0'"));
  CHECK_THAT(refusal([](Census& c) { c.units[1].parent = 2; }), ContainsSubstring("[ashlar.law.9]"));
  CHECK_THAT(refusal([](Census& c) { c.units[4].parent = 1; }), ContainsSubstring("[ashlar.law.9]"));
  CHECK_THAT(
      refusal([](Census& c) {
        std::swap(c.units[1], c.units[3]);
        std::swap(c.units[2], c.units[4]);
        c.units[2].parent = 1;
        c.units[4].parent = 3;
      }),
      ContainsSubstring("[ashlar.law.9]") && ContainsSubstring("'adapters.0' behind 'adapters.1.base'"));
  CHECK_THAT(refusal([](Census& c) { c.parameters.pop_back(); }),
             ContainsSubstring("[ashlar.law.10]") && ContainsSubstring("14 places for 15 parameters"));
  CHECK_THAT(refusal([](Census& c) { c.parameters.push_back(c.parameters[0]); }),
             ContainsSubstring("[ashlar.law.10]") && ContainsSubstring("16 places for 15 parameters"));
  CHECK_THAT(
      refusal([](Census& c) { c.parameters[1].unit = 1; }),
      ContainsSubstring("[ashlar.law.10]") &&
          ContainsSubstring("'adapters.0.base.weight' in unit 2, got 'adapters.0.base.weight' in unit 1"));
  CHECK_THAT(refusal([](Census& c) { c.parameters[0].unit = 1; }), ContainsSubstring("'offset' in unit 0"));
  CHECK_THAT(refusal([](Census& c) { c.parameters[1].trained = true; }),
             ContainsSubstring("[ashlar.law.10]"));
  CHECK_THAT(refusal([](Census& c) { std::swap(c.parameters[1], c.parameters[2]); }),
             ContainsSubstring("[ashlar.law.10]"));
}

}  // namespace
}  // namespace ashlar
