// expect-error: [ashlar.wrap.2]
// Through Trainer itself: making it and stepping with it adds no second error.
#include <ashlar/models/gpt.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

using Gpt = models::Gpt<models::GptShape{.layers = 4, .heads = 4, .dim = 128}>;

#ifdef FIXED
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Gpt::Block>>;
static_assert(usable<Strategy, Gpt, CommunicatorArchetype, optim::AdamW>);
#else
double train(CommunicatorArchetype& world, const Tensor& inputs, const Tensor& targets) {
  // [readme: mistake]
  using Block = models::GptBlock<models::gpt2>;  // a block, but of another model
  using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Block>>;
  auto trainer = Strategy::make<Gpt>(world, optim::AdamW{});
  // [readme: end]
  const Report report = trainer.step(inputs, targets);
  return report.loss + trainer.evaluate(inputs, targets);
}
#endif
