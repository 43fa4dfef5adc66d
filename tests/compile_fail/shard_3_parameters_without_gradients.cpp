// expect-error: [ashlar.shard.3]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine : shard::Zero3 {
#ifdef FIXED
  static constexpr auto gradients = placement::sharded;
#else
  static constexpr auto gradients = placement::replicated;
#endif
};

static_assert(explain<Mine, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::None>());
