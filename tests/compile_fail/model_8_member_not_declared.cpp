// expect-error: [ashlar.model.8]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 8>;
#ifdef FIXED
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, first), (Layer, second));
#else
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, first));
  Layer second;
#endif
  double epsilon = 1e-5;  // holds no parameters, and need not be declared
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
