// expect-error: [ashlar.checkpoint.2]
#include <array>

#include <boost/hana/define_struct.hpp>

#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/nn/mlp.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

using Layer = nn::Mlp<8>;
struct Net {
#ifdef FIXED
  using Layers = std::array<Layer, 2>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layers, layers));
#else
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, first), (Layer, second));
#endif
};

using Strategy =
    Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::Recompute>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
