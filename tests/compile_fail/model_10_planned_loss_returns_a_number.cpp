// expect-error: [ashlar.model.10]
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

#ifdef FIXED
  constexpr auto loss(auto&, const auto& x, const auto&) const { return x; }
#else
  constexpr auto loss(auto&, const auto&, const auto&) const { return 0.5; }
#endif
};

// Said once, however many strategies are planned.
template <class Wrap>
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, Wrap>;
static_assert(plan<Strategy<wrap::WholeModel>, Net>(world{8}, batch{1, 8}).kept() > 0);
static_assert(plan<Strategy<wrap::Each<Net::Layer>>, Net>(world{8}, batch{1, 8}).kept() > 0);
