// expect-error: [ashlar.precision.1]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

#ifdef FIXED
using Precision = precision::Fp32;
#else
using Precision = float;
#endif

static_assert(explain<shard::Zero3, Precision, offload::None, wrap::WholeModel, checkpoint::None>());
