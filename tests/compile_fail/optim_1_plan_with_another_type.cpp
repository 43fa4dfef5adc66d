// expect-error: [ashlar.optim.1]
// A plan asks how many tensors the optimizer remembers.
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/optim/sgd.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
};

#ifdef FIXED
using Optimizer = optim::Sgd;
#else
using Optimizer = optim::Cosine;  // a schedule: it goes into the recipe
#endif

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(plan<Strategy, Net, Optimizer>(world{8}).kept() <= 80L << 30);
