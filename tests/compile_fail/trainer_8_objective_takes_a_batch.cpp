// expect-error: [ashlar.trainer.8]
#include <ashlar/diagnostics/explain.hpp>

using namespace ashlar;

struct Run {};  // stands for the trainer's
#ifdef FIXED
using Objective = Tensor& (*)(Run&);
#else
using Objective = Tensor& (*)(const Tensor& inputs, const Tensor& targets);
#endif

static_assert(explain_objective<Objective, Run>());
