// expect-error: [ashlar.model.15]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/mlp.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Net {
#ifdef FIXED
  using Layer = nn::Mlp<8, 4>;
#else
  using Layer = nn::Mlp<8, 0>;
#endif
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(plan<Strategy, Net>(world{8}).kept() <= 80L << 30);
