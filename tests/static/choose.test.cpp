// fits and cheapest: strategies chosen by the compiler.
#include <type_traits>

#include <ashlar/models/llama.hpp>
#include <ashlar/plan/choose.hpp>
#include <ashlar/policies.hpp>

namespace ashlar {
namespace {

using Llama = models::Llama<models::llama3_8b>;
template <class Shard, class Checkpoint = checkpoint::None>
using With = Trainer<Shard, precision::Bf16Mixed, offload::None, wrap::Each<Llama::Block>, Checkpoint>;

using Ddp = With<shard::Replicate>;
using Sharded = With<shard::Zero3>;
using Recomputed = With<shard::Zero3, checkpoint::Recompute>;

static_assert(!fits<Ddp, Llama>(80_GiB, world{8}, batch{1, 4096}));
static_assert(fits<Recomputed, Llama>(80_GiB, world{8}, batch{4, 4096}));
static_assert(!fits<Sharded, Llama>(80_GiB, world{8}, batch{4, 4096}));

// With room for every activation nothing is computed twice; with less, it is.
static_assert(
    std::is_same_v<cheapest<Llama, h200, world{8}, batch{1, 4096}, Ddp, Recomputed, Sharded>, Sharded>);
static_assert(
    std::is_same_v<cheapest<Llama, h200, world{8}, batch{8, 4096}, Ddp, Recomputed, Sharded>, Recomputed>);

// 6 operations a parameter and token of every matrix, forward and backward, and attention beside them.
constexpr double matrices = 7'504'658'432.0;  // parameters without the token embedding and the norms
constexpr double tokens = 4096;
constexpr double attention = 32 * 7 * 4096 * tokens * (tokens + 1);  // layers, products, dim
constexpr double flops = plan<Sharded, Llama>(world{8}, batch{1, 4096}).flops();
static_assert(flops == 6 * matrices * tokens + attention);

// Communication hides behind arithmetic, or the other way round: the longer one bounds the step.
constexpr machine slow_link{.memory = 1, .flops = 1e15, .bandwidth = 1e13, .link = 1e9};
constexpr double on_slow_link = lower_bound(plan<Ddp, Llama>(world{2}, batch{1, 4096}), slow_link);
static_assert(on_slow_link == (2 * 4 * 8'030'261'248.0 + 2 * 16) / 2 / 1e9 * 1);

}  // namespace
}  // namespace ashlar
