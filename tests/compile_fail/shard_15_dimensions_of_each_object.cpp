// expect-error: [ashlar.shard.15]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine : shard::Zero3 {
#ifdef FIXED
  static constexpr int dimensions = 1;
#else
  int dimensions = 1;
#endif
};

static_assert(explain<Mine, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::None>());
