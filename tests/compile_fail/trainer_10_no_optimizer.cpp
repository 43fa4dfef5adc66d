// expect-error: [ashlar.trainer.10]
#include "compile_fail/making.hpp"

Report train(CommunicatorArchetype& world, const Tensor& inputs, const Tensor& targets) {
#ifdef FIXED
  auto trainer = Strategy::make(Net(), world, optim::AdamW{});
#else
  auto trainer = Strategy::make<Net>(world);
#endif
  return trainer.step(inputs, targets);
}
