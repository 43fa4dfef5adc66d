// expect-error: [ashlar.trainer.6]
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

#ifdef FIXED
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
#else
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None>;
#endif

static_assert(sizeof(Strategy) > 0);
