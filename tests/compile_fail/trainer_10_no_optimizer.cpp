// expect-error: [ashlar.trainer.10]
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

template <class, class Model, class Comm, class Optimizer>
class ashlar::Training {  // stands for ashlar/training.hpp, which includes LibTorch
 public:
  Training(Model, Comm&, Optimizer, Recipe) {}
  Report step(const Tensor&, const Tensor&) { return {}; }
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
Report train(CommunicatorArchetype& world, const Tensor& inputs, const Tensor& targets) {
#ifdef FIXED
  auto trainer = Strategy::make(Net(), world, optim::AdamW{});
#else
  auto trainer = Strategy::make<Net>(world);
#endif
  return trainer.step(inputs, targets);
}
