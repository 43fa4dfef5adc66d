// expect-error: [ashlar.trainer.2]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

#ifdef FIXED
using Precision = precision::Fp32;
#else
using Precision = shard::Zero3;
#endif

static_assert(explain<shard::Zero3, Precision, offload::None, wrap::WholeModel, checkpoint::None>());
