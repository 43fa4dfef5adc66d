// expect-error: [ashlar.wrap.9]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Gelu {
  BOOST_HANA_DEFINE_STRUCT(Gelu);
  auto forward(auto&, const auto& x) const { return ops::gelu(x); }
};
struct Net {
  using Layer = nn::Linear<8, 8>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, first), (Gelu, gelu), (Layer, second));
};
#ifdef FIXED
using Wrap = wrap::Each<Net::Layer>;
#else
using Wrap = wrap::Each<Net::Layer, Gelu>;
#endif

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, Wrap>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
