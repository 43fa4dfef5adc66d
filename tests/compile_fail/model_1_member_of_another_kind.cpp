// expect-error: [ashlar.model.1]
#include <array>
#include <vector>

#include <boost/hana/define_struct.hpp>

#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/nn/mlp.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

using Layer = nn::Mlp<8>;
struct Net {
#ifdef FIXED
  using Layers = std::array<Layer, 2>;
#else
  using Layers = std::vector<Layer>;  // how many is known at run time only
#endif
  BOOST_HANA_DEFINE_STRUCT(Net, (Layers, layers));
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_model<Strategy, Net>());
