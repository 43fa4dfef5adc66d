// expect-error: [ashlar.trainer.4]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

#ifdef FIXED
using Wrap = wrap::WholeModel;
#else
using Wrap = checkpoint::Recompute;
#endif

static_assert(explain<shard::Zero3, precision::Fp32, offload::None, Wrap, checkpoint::None>());
