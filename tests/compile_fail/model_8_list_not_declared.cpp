// expect-error: [ashlar.model.8]
#include <array>

#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Block {
  using Layer = nn::Linear<8, 8>;
  using Layers = std::array<Layer, 2>;
#ifdef FIXED
  BOOST_HANA_DEFINE_STRUCT(Block, (Layer, first), (Layers, others));
#else
  BOOST_HANA_DEFINE_STRUCT(Block, (Layer, first));
  Layers others;
#endif
};
struct Net {
  BOOST_HANA_DEFINE_STRUCT(Net, (Block, block));
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
