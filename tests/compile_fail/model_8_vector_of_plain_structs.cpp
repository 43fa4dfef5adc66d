// expect-error: [ashlar.model.8]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Expert {
  double share = 0;
#ifndef FIXED
  nn::Linear<8, 8> layer;
#endif
  std::vector<Expert> others{};
};

struct Net {
  using Layer = nn::Linear<8, 8>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, first));
  std::vector<std::unique_ptr<Expert>> experts;
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
