// expect-error: [ashlar.checkpoint.2]
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
  using Pair = std::array<Layer, 2>;
  using Repeated = std::array<Pair, 2>;
#else
  using Repeated = std::array<Layer::Bias, 2>;
#endif
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer), (Repeated, repeated));
};

using Strategy =
    Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::Recompute>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
