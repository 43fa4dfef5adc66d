// expect-error: [ashlar.wrap.13]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/nn/tied.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 8>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
};
struct Wide : wrap::WholeModel {
  template <class Model>
  static consteval bool applies() {
#ifdef FIXED
    return Model::Layer::outputs >= 8;
#else
    return Model::Layer::outputs > 8;
#endif
  }
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, Wide>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
