// expect-error: [ashlar.model.9]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/embedding.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Net {
  using Tokens = nn::Embedding<16, 16>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Tokens, tokens));

#ifdef FIXED
  constexpr auto loss(auto& run, const auto& ids, const auto& targets) const {
    return ops::cross_entropy(run(tokens, ids), targets);
  }
#endif
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(plan<Strategy, Net>(world{8}, batch{1, 4}).peak() < 1 << 20);
