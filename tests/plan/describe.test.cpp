// A plan as text and as JSON says what the plan says.
// libtorch: no
#include <string>

#include <nlohmann/json.hpp>

#include <ashlar/models/gpt.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/policies.hpp>

#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;

constexpr models::GptShape shape{.vocabulary = 256, .context = 64, .layers = 3, .heads = 2, .dim = 64};
using Gpt = models::Gpt<shape>;
using Strategy = Trainer<shard::Zero3, precision::Bf16Mixed, offload::None, wrap::Each<Gpt::Block>>;

TEST_CASE("describe names the strategy, runs of equal units and each kind of byte") {
  const std::string text = describe<Strategy, Gpt>(world{4});
  CHECK_THAT(text, ContainsSubstring("Trainer<Zero3, Bf16Mixed, None, Each, None> on 4 ranks\n"));
  CHECK_THAT(text, ContainsSubstring("blocks.0 to blocks.2                3 x        49984 parameters\n"));
  CHECK_THAT(text, ContainsSubstring("reduce-scatter      4 x"));
  CHECK_THAT(text, !ContainsSubstring("micro-batch"));

  const std::string with_batch = describe<Strategy, Gpt>(world{4}, batch{2, 64});
  CHECK_THAT(with_batch, ContainsSubstring("  each micro-batch needs\n    activations   "));
}

TEST_CASE("what rests on the host is told apart") {
  using Offloaded =
      Trainer<shard::Zero3, precision::Bf16Mixed, offload::OptimizerToHost, wrap::Each<Gpt::Block>>;
  CHECK_THAT((describe<Offloaded, Gpt>(world{4})),
             ContainsSubstring("    and on its host   ") && ContainsSubstring("    to the host and back   "));
  CHECK_THAT((describe<Strategy, Gpt>(world{4})), !ContainsSubstring("host"));
  const Plan planned = plan<Offloaded, Gpt>(world{4});
  const auto json = nlohmann::json::parse(to_json(planned));
  CHECK(json["kept"]["on_host"] == planned.host);
  CHECK(json["moved"] == planned.moved);
}

TEST_CASE("a split master takes 2 bytes where a whole one takes 4") {
  using Split = Trainer<shard::Zero3, precision::Bf16Split, offload::None, wrap::Each<Gpt::Block>>;
  CHECK_THAT((describe<Split, Gpt>(world{4})),
             ContainsSubstring("Trainer<Zero3, Bf16Split, None, Each, None>"));
  const Plan split = plan<Split, Gpt>(world{4}), whole = plan<Strategy, Gpt>(world{4});
  CHECK(split.optimizer * 12 == whole.optimizer * 10);
  CHECK(split.kept() - split.optimizer == whole.kept() - whole.optimizer);
}

TEST_CASE("JSON has every number of the plan") {
  const Plan planned = plan<Strategy, Gpt>(world{4}, batch{2, 64}, 3);
  const auto json = nlohmann::json::parse(to_json(planned));
  CHECK(json["shard"] == "Zero3");
  CHECK(json["world"] == 4);
  CHECK(json["kept"]["all"] == planned.kept());
  CHECK(json["kept"]["optimizer"] == planned.optimizer);
  CHECK(json["peak"] == planned.peak());
  CHECK(json["micro_batch"]["flops"] == planned.work.flops);
  CHECK(json["micro_batches"] == 3);

  REQUIRE(json["step"].size() == planned.step.size());
  CHECK(json["step"][0] ==
        nlohmann::json{{"collective", "all_gather"}, {"unit", 0}, {"bytes", planned.step[0].bytes}});
  REQUIRE(json["units"].size() == 4);
  CHECK(json["units"][1]["name"] == "blocks.0");
  CHECK(json["units"][1]["trained"] == 49984);
  long end = 0;  // pieces follow one another, each at a multiple of 64 elements
  std::vector<std::pair<long, long>> places;
  for (const auto& piece : json["units"][1]["parameters"])
    places.emplace_back(piece["offset"], piece["numel"]);
  std::sort(places.begin(), places.end());
  for (const auto& [offset, numel] : places) {
    CHECK(offset == align(end));
    end = offset + numel;
  }
  CHECK(json["units"][1]["padded"] >= end);
}

}  // namespace
}  // namespace ashlar
