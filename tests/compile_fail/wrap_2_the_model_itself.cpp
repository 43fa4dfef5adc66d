// expect-error: [ashlar.wrap.2]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
};

#ifdef FIXED
using Wrap = wrap::Each<Net::Layer>;
#else
using Wrap = wrap::Each<Net>;
#endif

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, Wrap>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
