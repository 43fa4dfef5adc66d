// expect-error: [ashlar.plan.13]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/plan/choose.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 8>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
#ifdef FIXED
static_assert(plan<Strategy, Net>(world{8}).kept() > 0);
#else
static_assert(plan<Strategy, Net>(8).kept() > 0);
#endif
