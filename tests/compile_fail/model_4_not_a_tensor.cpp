// expect-error: [ashlar.model.4]
#include <ashlar/diagnostics/explain.hpp>

using namespace ashlar;

#ifdef FIXED
static_assert(explain_inputs<Tensor, Tensor>());
#else
static_assert(explain_inputs<Tensor, double>());  // as in run(block, x, 0.1), where block is a unit
#endif
