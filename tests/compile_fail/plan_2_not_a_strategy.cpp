// expect-error: [ashlar.plan.2]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
};

#ifdef FIXED
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
#else
using Strategy = shard::Zero3;
#endif

static_assert(plan<Strategy, Net>(world{8}).kept() <= 80L << 30);
