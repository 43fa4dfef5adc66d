// expect-error: [ashlar.trainer.10]
#include "compile_fail/making.hpp"

#ifdef FIXED
void train(CommunicatorArchetype& world) {
#else
void train(const CommunicatorArchetype& world) {
#endif
  Strategy::make<Net>(world, optim::AdamW{});
}
