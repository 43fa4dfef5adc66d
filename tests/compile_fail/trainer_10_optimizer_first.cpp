// expect-error: [ashlar.trainer.10]
#include "compile_fail/making.hpp"

Report train(CommunicatorArchetype& world, const Tensor& inputs, const Tensor& targets) {
#ifdef FIXED
  auto trainer = Strategy::make<Net>(world, optim::AdamW{}, {.clip_norm = 1});
#else
  auto trainer = Strategy::make<Net>(optim::AdamW{}, world, {.clip_norm = 1});
#endif
  return trainer.step(inputs, targets);
}
