// expect-error: [ashlar.plan.12]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/nn/tied.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/plan/choose.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 8>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));

  constexpr auto loss(auto&, const auto& x, const auto&) const { return x; }
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
#ifdef FIXED
using Best = cheapest<Net, h200, world{8}, batch{1, 8}, Strategy>;
#else
using Best = cheapest<Net, h200, world{0}, batch{1, 8}, Strategy>;
#endif
static_assert(!std::is_same_v<Best, int>);
