// expect-error: [ashlar.shard.2]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

#ifdef FIXED
static_assert(explain<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::None>());
#else
static_assert(explain<precision::Fp32, shard::Zero3, offload::None, wrap::WholeModel, checkpoint::None>());
#endif
