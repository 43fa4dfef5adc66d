// expect-error: [ashlar.model.8]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/nn/tied.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 8>;
  using Layers = std::array<Layer, 2>;
#ifdef FIXED
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, first), (Layers, others));
  std::vector<double> rates;  // holds no parameters
#else
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, first));
  std::vector<double> rates;
  std::vector<Layer> others;
#endif
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
