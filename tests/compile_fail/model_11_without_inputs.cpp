// expect-error: [ashlar.model.11]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/plan/choose.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 8>;

  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));

#ifdef FIXED
  constexpr auto loss(auto& run, const auto& x, const auto&) const { return run(layer, x); }
#else
  constexpr auto loss(auto& run, const auto&, const auto&) const { return run(layer); }
#endif
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(plan<Strategy, Net>(world{8}, batch{1, 8}).kept() > 0);
