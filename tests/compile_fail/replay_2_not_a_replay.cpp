// expect-error: [ashlar.replay.2]
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

#ifdef FIXED
using Replay = replay::None;
#else
using Replay = offload::None;
#endif

using Strategy =
    Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::None, Replay>;
static_assert(sizeof(Strategy) > 0);
