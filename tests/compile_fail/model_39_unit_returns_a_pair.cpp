// expect-error: [ashlar.model.39]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/nn/tied.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/plan/choose.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Two {
  using Layer = nn::Linear<8, 8>;
  BOOST_HANA_DEFINE_STRUCT(Two, (Layer, layer));

#ifdef FIXED
  static constexpr auto forward(auto&, const auto& x) { return std::array{x, x}; }
#else
  static constexpr auto forward(auto&, const auto& x) { return std::pair(x, x); }
#endif
};
struct Net {
  using Layer = nn::Linear<8, 8>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer), (Two, two));

  constexpr auto loss(auto& run, const auto& x, const auto&) const {
    return std::get<0>(run(two, run(layer, x)));
  }
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Two>>;
static_assert(plan<Strategy, Net>(world{8}, batch{1, 8}).kept() > 0);
