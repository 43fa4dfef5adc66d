// expect-error: [ashlar.nn.2]
#include <ashlar/nn/causal_self_attention.hpp>

using namespace ashlar;

#ifdef FIXED
using Attention = nn::CausalSelfAttention<128, 1>;
#else
using Attention = nn::CausalSelfAttention<128, 0>;
#endif

static_assert(sizeof(Attention) > 0);
