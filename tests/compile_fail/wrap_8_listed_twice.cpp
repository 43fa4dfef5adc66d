// expect-error: [ashlar.wrap.8]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/nn/causal_self_attention.hpp>
#include <ashlar/nn/mlp.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

using Attention = nn::CausalSelfAttention<8, 2>;
using Mlp = nn::Mlp<8>;
#ifdef FIXED
using Wrap = wrap::Each<Attention, Mlp>;
#else
using Wrap = wrap::Each<Mlp, Mlp>;
#endif

static_assert(explain<shard::Zero3, precision::Fp32, offload::None, Wrap, checkpoint::None>());
