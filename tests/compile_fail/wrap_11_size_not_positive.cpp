// expect-error: [ashlar.wrap.11]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

#ifdef FIXED
using Wrap = wrap::BySize<1 << 20>;
#else
using Wrap = wrap::BySize<0>;
#endif

static_assert(explain<shard::Zero3, precision::Fp32, offload::None, Wrap, checkpoint::None>());
