// expect-error: [ashlar.offload.2]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct OptimizerToHost {
  static constexpr std::string_view name = "OptimizerToHost";
  static constexpr auto optimizer = memory::host;
};
#ifdef FIXED
using Shard = shard::Zero1;
#else
using Shard = shard::Replicate;
#endif

static_assert(explain<Shard, precision::Fp32, OptimizerToHost, wrap::WholeModel, checkpoint::None>());
