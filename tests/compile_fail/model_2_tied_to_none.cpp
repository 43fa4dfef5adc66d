// expect-error: [ashlar.model.2]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/embedding.hpp>
#include <ashlar/nn/tied.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Net {
  using Source = nn::Embedding<256, 64>;
#ifdef FIXED
  using Head = nn::Tied<Source>;
#else
  using Head = nn::Tied<nn::Embedding<256, 32> >;
#endif
  BOOST_HANA_DEFINE_STRUCT(Net, (Source, source), (Head, head));
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
