// expect-error: [ashlar.offload.5]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

#ifdef FIXED
using Precision = precision::Bf16Mixed;
#else
using Precision = precision::Bf16Split;
#endif

static_assert(
    explain<shard::Zero3, Precision, offload::OptimizerToHost, wrap::WholeModel, checkpoint::None>());
