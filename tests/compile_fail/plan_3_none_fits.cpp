// expect-error: [ashlar.plan.3]
// Each strategy of the list would keep more than the machine has.
#include <ashlar/models/gpt.hpp>
#include <ashlar/plan/choose.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

constexpr models::GptShape shape{.layers = 2};
using Gpt = models::Gpt<shape>;
using Ddp = Trainer<shard::Replicate, precision::Fp32, offload::None, wrap::Each<Gpt::Block>>;
using Sharded = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Gpt::Block>>;

#ifdef FIXED
constexpr machine small{.memory = 4_GiB, .flops = 1e12, .bandwidth = 1e11, .link = 1e10};
#else
constexpr machine small{.memory = 1_GiB, .flops = 1e12, .bandwidth = 1e11, .link = 1e10};
#endif

using Best = cheapest<Gpt, small, world{8}, batch{2, 1024}, Ddp, Sharded>;
static_assert(!Best::Shard::name.empty());
