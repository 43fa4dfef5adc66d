// expect-error: [ashlar.wrap.12]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/nn/tied.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 8>;  // 288 bytes
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, first), (Layer, second));
};
#ifdef FIXED
constexpr long least = 288;
#else
constexpr long least = 289;
#endif

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::BySize<least>>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
