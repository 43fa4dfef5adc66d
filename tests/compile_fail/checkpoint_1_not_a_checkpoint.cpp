// expect-error: [ashlar.checkpoint.1]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

#ifdef FIXED
using Checkpoint = checkpoint::None;
#else
using Checkpoint = bool;
#endif

static_assert(explain<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel, Checkpoint>());
