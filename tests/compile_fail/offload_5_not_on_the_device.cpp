// expect-error: [ashlar.offload.5]
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

struct Mine {
  static constexpr std::string_view name = "Mine";
#ifdef FIXED
  static constexpr auto optimizer = memory::device;
#else
  static constexpr auto optimizer = memory::host;
#endif
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, Mine, wrap::WholeModel>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
