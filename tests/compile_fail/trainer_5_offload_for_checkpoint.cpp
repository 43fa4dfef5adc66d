// expect-error: [ashlar.trainer.5]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

#ifdef FIXED
using Checkpoint = checkpoint::None;
#else
using Checkpoint = offload::None;
#endif

static_assert(explain<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel, Checkpoint>());
