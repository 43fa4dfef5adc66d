// expect-error: [ashlar.nn.4]
#include <ashlar/nn/grouped_query_attention.hpp>

using namespace ashlar;

#ifdef FIXED
using Attention = nn::GroupedQueryAttention<128, 8, 2>;
#else
using Attention = nn::GroupedQueryAttention<128, 8, -2>;
#endif

static_assert(sizeof(Attention) > 0);
