// expect-error: [ashlar.wrap.7]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/nn/mlp.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

using Block = nn::Mlp<8>;
#ifdef FIXED
using Wrap = wrap::Each<Block>;
#else
using Wrap = wrap::Each<>;
#endif

static_assert(explain<shard::Zero3, precision::Fp32, offload::None, Wrap, checkpoint::None>());
