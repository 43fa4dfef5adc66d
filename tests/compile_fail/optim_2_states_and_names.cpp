// expect-error: [ashlar.optim.2]
// A number that is negative, or that the compiler does not know, would be refused by the same sentence.
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/optim/sgd.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
};

struct Mine : optim::Sgd {
  static constexpr int states = 2;
#ifdef FIXED
  static constexpr std::array<std::string_view, 2> state_names{"velocity", "average"};
#endif
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, Mine>());
