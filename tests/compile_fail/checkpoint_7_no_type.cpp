// expect-error: [ashlar.checkpoint.7]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/nn/mlp.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

using Block = nn::Mlp<8>;
#ifdef FIXED
using Checkpoint = checkpoint::RecomputeEach<Block>;
#else
using Checkpoint = checkpoint::RecomputeEach<>;
#endif

static_assert(explain<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel, Checkpoint>());
