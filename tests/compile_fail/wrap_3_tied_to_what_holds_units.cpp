// expect-error: [ashlar.wrap.3]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/mlp.hpp>
#include <ashlar/nn/tied.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Mlp<8>;
  using Layers = std::array<Layer, 2>;
  using Again = nn::Tied<Layers>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layers, layers), (Again, again));
};

#ifdef FIXED
using Wrap = wrap::WholeModel;
#else
using Wrap = wrap::Each<Net::Layer>;
#endif
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, Wrap>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
