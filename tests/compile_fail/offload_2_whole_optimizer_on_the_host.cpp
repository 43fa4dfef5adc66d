// expect-error: [ashlar.offload.2]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

#ifdef FIXED
using Shard = shard::Zero1;
#else
using Shard = shard::Replicate;
#endif

static_assert(
    explain<Shard, precision::Fp32, offload::OptimizerToHost, wrap::WholeModel, checkpoint::None>());
