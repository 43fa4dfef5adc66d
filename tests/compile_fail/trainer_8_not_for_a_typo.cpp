// expect-own-error: sqare
// What is wrong within an objective that is called with run is no matter of its signature, and is said once.
#include <ashlar/diagnostics/explain.hpp>

class at::Tensor {
 public:
  Tensor square() const { return {}; }
};

using namespace ashlar;

struct Run {  // stand for the trainer's
  Tensor output;
};
struct Watch : Run {};
template <class Objective, class Runner>
Tensor evaluate(Objective& objective, Runner& run) {  // as a trainer's
  static_assert(explain_objective<Objective, Run>());
  if constexpr (objective_runs_by<Objective, Run, Runner>) {
    auto&& result = (objective(run), detail::Returned());
    static_assert(explain_objective<Objective, Run, decltype(result)>());
    if constexpr (objective_is_one<Objective, Run, decltype(result)>) return result;
  }
  return {};
}
void step(Run& run, Watch& watch) {
#ifdef FIXED
  auto objective = [](auto& runs) { return runs.output.square(); };
#else
  auto objective = [](auto& runs) { return runs.output.sqare(); };
#endif
  evaluate(objective, run);
  evaluate(objective, watch);
}
