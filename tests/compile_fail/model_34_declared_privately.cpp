// expect-error: [ashlar.model.34]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/nn/tied.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

class Layer {
 public:
  using Inner = nn::Linear<8, 8>;
  constexpr Layer() = default;

#ifndef FIXED
 private:
#endif
  BOOST_HANA_DEFINE_STRUCT(Layer, (Inner, inner));
};
struct Net {
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
