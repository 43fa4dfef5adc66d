// expect-error: [ashlar.trainer.2]
// A refused Trainer takes whatever is done with a trainer, and adds no second error.
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

namespace {

struct Net {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
};

}  // namespace

#ifdef FIXED
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(usable<Strategy, Net, CommunicatorArchetype, optim::AdamW>);
#else
using Strategy = Trainer<shard::Zero3, offload::None, precision::Fp32, wrap::WholeModel>;

// Stand for LibTorch's and for those of ashlar/training.hpp, which includes it.
class at::Tensor {};
struct c10::Device {};
struct ashlar::FullParameter {
  std::string name;
  Tensor value;
};
struct ashlar::Identity {
  std::string model;
};

double train(CommunicatorArchetype& world, const Tensor& inputs, const Tensor& targets) {
  auto trainer = Strategy::make<Net>(world, optim::AdamW{}, {.clip_norm = 1});
  for (long i = trainer.steps(); i < 10; ++i) trainer.step(inputs, targets);
  trainer.step([&](auto& run) { return run(trainer.model().layer, inputs); });
  const Tensor output = trainer.predict(inputs), same = trainer.run()(trainer.model().layer, inputs);
  std::string names = trainer.identity().model + describe(trainer.plan()) + describe(trainer.plan(inputs));
  for (const auto& parameter : trainer.full_parameters()) names += parameter.name;
  trainer.for_each_saved([&](const std::string& name, const Tensor&) { names += name; });
  trainer.restored(trainer.plan().kept());
  trainer.engine();
  [[maybe_unused]] const c10::Device device = trainer.device();
  trainer.communicator().barrier();
  return trainer.evaluate(output, same) + trainer.recipe().clip_norm + trainer.communicator().rank();
}
#endif
