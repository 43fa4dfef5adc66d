// expect-error: [ashlar.trainer.8]
#include <ashlar/diagnostics/explain.hpp>

class at::Tensor {};

using namespace ashlar;

struct Run {};  // stands for the trainer's
void step(Run& run, const Tensor& loss) {
#ifdef FIXED
  auto objective = [&](auto&) { return loss; };
#else
  auto objective = [&](auto&) { static_cast<void>(loss); };
#endif
  auto&& result = (objective(run), detail::Returned());  // as a trainer does
  static_assert(explain_objective<decltype(objective), Run, decltype(result)>());
}
