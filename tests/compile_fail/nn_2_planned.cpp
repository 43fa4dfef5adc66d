// expect-error: [ashlar.nn.2]
// Planning a model that holds the layer adds no second error.
#include <ashlar/models/gpt.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

#ifdef FIXED
using Gpt = models::Gpt<models::GptShape{.layers = 1, .heads = 4, .dim = 128}>;
#else
using Gpt = models::Gpt<models::GptShape{.layers = 1, .heads = 5, .dim = 128}>;
#endif

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(plan<Strategy, Gpt>(world{8}).kept() <= 80L << 30);
