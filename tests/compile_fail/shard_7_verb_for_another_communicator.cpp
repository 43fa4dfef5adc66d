// expect-error: [ashlar.shard.7]
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

struct Ring : CommunicatorArchetype {};
struct Mine : shard::Replicate {
#ifdef FIXED
  static auto reduce(Tensor&, Tensor& grad, has_all_reduce auto& comm) { return comm.all_reduce(grad); }
#else
  static Ring::Work reduce(Tensor&, Tensor& grad, std::same_as<CommunicatorArchetype> auto& comm) {
    return comm.all_reduce(grad);
  }
#endif
};

using Strategy = Trainer<Mine, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_use<Strategy, Net, Ring, optim::AdamW>());
