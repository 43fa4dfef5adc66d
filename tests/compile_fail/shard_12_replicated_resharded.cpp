// expect-error: [ashlar.shard.12]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine : shard::Zero2 {
#ifdef FIXED
  static constexpr auto reshard_after = pass::backward;
#else
  static constexpr auto reshard_after = pass::forward;  // of parameters that are always whole
#endif
};

static_assert(explain<Mine, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::None>());
