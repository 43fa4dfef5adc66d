// expect-error: [ashlar.shard.8]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine : shard::Zero3 {
#ifdef FIXED
  static constexpr auto parameters = placement::sharded;
#else
  placement parameters = placement::sharded;  // a member of each object, and no constant
#endif
};

static_assert(explain<Mine, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::None>());
