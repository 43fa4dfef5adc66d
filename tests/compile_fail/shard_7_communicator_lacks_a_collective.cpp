// expect-error: [ashlar.shard.7]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct NoReduceScatter : CommunicatorArchetype {
  void reduce_scatter() = delete;
};

#ifdef FIXED
using Shard = shard::Replicate;
#else
using Shard = shard::Zero3;
#endif

using Strategy = Trainer<Shard, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_use<Strategy, models::Gpt<models::gpt2>, NoReduceScatter, optim::AdamW>());
