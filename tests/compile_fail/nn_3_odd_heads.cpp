// expect-error: [ashlar.nn.3]
#include <ashlar/nn/grouped_query_attention.hpp>

using namespace ashlar;

#ifdef FIXED
static_assert(nn::GroupedQueryAttention<24, 4, 2>::kv_dim > 0);
#else
static_assert(nn::GroupedQueryAttention<20, 4, 2>::kv_dim > 0);
#endif
