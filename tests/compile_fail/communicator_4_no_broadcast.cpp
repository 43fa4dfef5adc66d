// expect-error: [ashlar.communicator.4]
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

struct Mine : CommunicatorArchetype {
#ifndef FIXED
  void broadcast() = delete;
#endif
};

using Strategy = Trainer<shard::Replicate, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_use<Strategy, Net, Mine, optim::AdamW>());
