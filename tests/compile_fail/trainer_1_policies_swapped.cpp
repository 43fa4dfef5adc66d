// expect-error: [ashlar.trainer.1]
// Through Trainer itself: making it and stepping with it adds no second error.
#include <ashlar/models/gpt.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

using Gpt = models::Gpt<models::gpt2>;

#ifdef FIXED
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Gpt::Block>>;
static_assert(usable<Strategy, Gpt, CommunicatorArchetype, optim::AdamW>);
#else
using Strategy = Trainer<precision::Fp32, shard::Zero3, offload::None, wrap::Each<Gpt::Block>>;

double train(CommunicatorArchetype& world, const Tensor& inputs, const Tensor& targets) {
  auto trainer = Strategy::make<Gpt>(world, optim::AdamW{.learning_rate = 1e-3}, {.seed = 1, .clip_norm = 1});
  const Report report = trainer.step(inputs, targets);
  return report.loss + trainer.evaluate(inputs, targets) + double(trainer.plan().kept());
}
#endif
