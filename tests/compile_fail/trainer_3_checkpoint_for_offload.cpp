// expect-error: [ashlar.trainer.3]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

#ifdef FIXED
using Offload = offload::None;
#else
using Offload = checkpoint::None;
#endif

static_assert(explain<shard::Zero3, precision::Fp32, Offload, wrap::WholeModel, checkpoint::None>());
