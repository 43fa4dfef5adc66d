// expect-error: [ashlar.shard.14]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Far : shard::Zero3 {
#ifdef FIXED
  static constexpr int prefetch = 2;
#else
  static constexpr int prefetch = -1;
#endif
};

static_assert(explain<Far, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::None>());
