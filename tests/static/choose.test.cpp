// fits and cheapest: strategies chosen by the compiler.
#include <type_traits>

#include <ashlar/models/llama.hpp>
#include <ashlar/plan/choose.hpp>
#include <ashlar/policies.hpp>

namespace ashlar {
namespace {

// Four layers of Llama 3 8B.
constexpr models::LlamaShape shape{.layers = 4};
using Llama = models::Llama<shape>;
template <class Shard, class Checkpoint = checkpoint::None>
using With = Trainer<Shard, precision::Bf16Mixed, offload::None, wrap::Each<Llama::Block>, Checkpoint>;

using Ddp = With<shard::Replicate>;
using Sharded = With<shard::Zero3>;
using Recomputed = With<shard::Zero3, checkpoint::Recompute>;

static_assert(!fits<Ddp, Llama>(20_GiB, world{8}, batch{1, 4096}));
static_assert(fits<Recomputed, Llama>(20_GiB, world{8}, batch{4, 4096}));
static_assert(!fits<Sharded, Llama>(20_GiB, world{8}, batch{4, 4096}));

// With room for every activation nothing is computed twice; with less, it is.
static_assert(
    std::is_same_v<cheapest<Llama, h200, world{8}, batch{1, 4096}, Ddp, Recomputed, Sharded>, Sharded>);
static_assert(
    std::is_same_v<cheapest<Llama, h200, world{8}, batch{48, 4096}, Ddp, Recomputed, Sharded>, Recomputed>);

// 6 operations a parameter and token of every matrix, forward and backward, and attention beside them.
constexpr double embedding = 128256 * 4096.0, norms = 9 * 4096.0;
constexpr double matrices = 4 * 218'103'808.0 + embedding;  // of the layers, and the head
constexpr double tokens = 4096;
constexpr double attention = 4 * 7 * 4096 * tokens * (tokens + 1);  // layers, products, dim
constexpr Workload work = plan<Sharded, Llama>(world{8}, batch{1, 4096}).work;
static_assert(work.flops == 6 * matrices * tokens + attention);

// Two ranks send each gradient once, in float32, and what all must know of the step in 32 bytes, over a link
// that is far slower than the chip.
constexpr machine slow_link{.memory = 1, .flops = 1e15, .bandwidth = 1e13, .link = 1e9};
constexpr double seconds = lower_bound(plan<Ddp, Llama>(world{2}, batch{1, 4096}), slow_link);
static_assert(seconds == (4 * (matrices + embedding + norms) + 32) / 1e9);

// And over a fast one the chip's arithmetic counts: of the matrix products, and of the optimizer, which reads
// and writes a weight and two states, reads a gradient and writes a weight in bfloat16.
constexpr machine slow_chip{.memory = 1, .flops = 1e12, .bandwidth = 1e10, .link = 1e15};
constexpr double busy = lower_bound(plan<Ddp, Llama>(world{2}, batch{1, 4096}), slow_chip);
static_assert(busy == work.flops / 1e12 + (matrices + embedding + norms) * (6 * 4 + 4 + 2) / 1e10);

}  // namespace
}  // namespace ashlar
