// expect-error: [ashlar.shard.13]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
};

struct Hybrid : shard::Zero3 {  // sharded within a host, replicated over hosts
  static constexpr std::string_view name = "Hybrid";
  static constexpr int dimensions = 2;
};
#ifdef FIXED
struct Mesh : CommunicatorArchetype {
  static constexpr int dimensions = 2;
};
#else
struct Mesh : CommunicatorArchetype {};
#endif

using Strategy = Trainer<Hybrid, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_use<Strategy, Net, Mesh, optim::AdamW>());
