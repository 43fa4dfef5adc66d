// expect-error: [ashlar.nn.4]
#include <ashlar/nn/grouped_query_attention.hpp>

using namespace ashlar;

#ifdef FIXED
static_assert(nn::GroupedQueryAttention<32, 4, 2>::kv_dim > 0);
#else
static_assert(nn::GroupedQueryAttention<32, 4, 3>::kv_dim > 0);
#endif
