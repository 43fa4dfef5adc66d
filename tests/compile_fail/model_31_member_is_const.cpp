// expect-error: [ashlar.model.31]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/nn/tied.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 8>;
#ifdef FIXED
  using Held = nn::Frozen<Layer>;
#else
  using Held = const Layer;
#endif
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer), (Held, held));
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
