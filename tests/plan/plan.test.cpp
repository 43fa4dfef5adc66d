// What a plan is given as values, and not as types, is refused when it is computed: in a constant by the
// compiler, which quotes the line that throws. libtorch: no
#include <ashlar/models/gpt.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/policies.hpp>

#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;

using Gpt =
    models::Gpt<models::GptShape{.vocabulary = 256, .context = 64, .layers = 3, .heads = 2, .dim = 64}>;
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Gpt::Block>>;

TEST_CASE("a world has a rank") {
  CHECK_THROWS_WITH((plan<Strategy, Gpt>(world{0})), ContainsSubstring("[ashlar.plan.4]"));
  CHECK_THROWS_WITH((plan<Strategy, Gpt>(world{-8})), ContainsSubstring("at least one rank, got -8"));
  CHECK(plan<Strategy, Gpt>(world{1}).world == 1);
}

TEST_CASE("a batch is not empty, and no longer than the model's context") {
  CHECK_THROWS_WITH((plan<Strategy, Gpt>(world{2}, batch{0, 64})), ContainsSubstring("[ashlar.plan.5]"));
  CHECK_THROWS_WITH((plan<Strategy, Gpt>(world{2}, batch{4, -1})), ContainsSubstring("got 4 of -1"));
  CHECK_THROWS_WITH((plan<Strategy, Gpt>(world{2}, batch{4, 65})),
                    ContainsSubstring("[ashlar.nn.1] expected sequences of at most 64 tokens, got 65"));
  CHECK(plan<Strategy, Gpt>(world{2}, batch{4, 64}).peak() > 0);
}

}  // namespace
}  // namespace ashlar
