// expect-error: [ashlar.wrap.2]
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
  using Layers = std::array<Layer, 1>;
#else
  using Layers = std::array<Layer, 0>;
#endif
  using Last = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layers, layers), (Last, last));
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Net::Layer>>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
