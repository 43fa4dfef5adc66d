// expect-error: [ashlar.model.33]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/nn/tied.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Net {
  using Layers = std::array<nn::Linear<8, 8>, 2>;
  using Held = nn::Frozen<Layers>;
#ifdef FIXED
  using Last = nn::Linear<8, 8>;
#else
  using Last = nn::Frozen<nn::Linear<8, 8> >;
#endif
  BOOST_HANA_DEFINE_STRUCT(Net, (Held, held), (Last, last));
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
