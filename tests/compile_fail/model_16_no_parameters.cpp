// expect-error: [ashlar.model.16]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 1>;
#ifdef FIXED
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
#else
  BOOST_HANA_DEFINE_STRUCT(Net);
#endif
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(plan<Strategy, Net>(world{8}).kept() <= 80L << 30);
