// expect-error: [ashlar.wrap.2]
// What is asserted of a plan that is refused adds no second error.
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/embedding.hpp>
#include <ashlar/plan/choose.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Net {
  using Tokens = nn::Embedding<64, 64>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Tokens, tokens));

  constexpr auto loss(auto& run, const auto& ids, const auto& targets) const {
    return ops::cross_entropy(run(tokens, ids), targets);
  }
};

#ifdef FIXED
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Net::Tokens>>;
#else
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<nn::Embedding<32, 64>>>;
#endif

constexpr auto units = plan<Strategy, Net>(world{2}).units.size();
static_assert(units == 2 && plan<Strategy, Net>(world{2}).shard == "Zero3");
static_assert(plan<Strategy, Net>(world{2}).parameters / 4 == 64 * 64 / 2);
static_assert(1 << 20 > plan<Strategy, Net>(world{2}, batch{1, 8}).work.most);
static_assert(plan<Strategy, Net>(world{2}).kept() < plan<Strategy, Net>(world{1}, batch{1, 8}).peak());
static_assert(plan<Strategy, Net>(world{2}).sent(Collective::reduce_scatter) == 4 * 64 * 64);
static_assert(fits<Strategy, Net>(1_GiB, world{2}, batch{1, 8}) &&
              !fits<Strategy, Net>(1, world{2}, batch{1, 8}));
static_assert(lower_bound(plan<Strategy, Net>(world{2}), h200) < 1);
static_assert(std::is_same_v<cheapest<Net, h200, world{2}, batch{1, 8}, Strategy>, Strategy>);
