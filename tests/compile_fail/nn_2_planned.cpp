// expect-error: [ashlar.nn.2]
// Planning a model that holds the layer adds no second error.
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/causal_self_attention.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Net {
#ifdef FIXED
  using Attention = nn::CausalSelfAttention<16, 4>;
#else
  using Attention = nn::CausalSelfAttention<16, 5>;
#endif
  BOOST_HANA_DEFINE_STRUCT(Net, (Attention, attention));
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(plan<Strategy, Net>(world{8}).kept() <= 80L << 30);
