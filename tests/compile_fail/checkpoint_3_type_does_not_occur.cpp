// expect-error: [ashlar.checkpoint.3]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/mlp.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Mlp<8>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
};

#ifdef FIXED
using Layer = nn::Mlp<8>;
#else
using Layer = nn::Mlp<16>;
#endif

using Strategy =
    Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::RecomputeEach<Layer>>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
