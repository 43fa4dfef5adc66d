// expect-own-error: sqare
// What is wrong within an objective that is called with run is no matter of its signature, and is said once.
#include <ashlar/diagnostics/explain.hpp>

class at::Tensor {
 public:
  Tensor square() const { return {}; }
};

using namespace ashlar;

struct Run {  // stands for the trainer's
  Tensor output;
};
template <class Objective>
Tensor evaluate(Objective& objective, Run& run) {  // as a trainer's
  static_assert(explain_objective<Objective, Run>());
  if constexpr (objective_fits<Objective, Run>) {
    auto&& result = (objective(run), detail::Returned());
    static_assert(explain_objective<Objective, Run, decltype(result)>());
    if constexpr (objective_is_one<Objective, Run, decltype(result)>) return result;
  }
  return {};
}
void step(Run& run) {
#ifdef FIXED
  auto objective = [](auto& runs) { return runs.output.square(); };
#else
  auto objective = [](auto& runs) { return runs.output.sqare(); };
#endif
  evaluate(objective, run);
}
