// expect-error: [ashlar.precision.8]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine : precision::Fp32 {
#ifdef FIXED
  static constexpr auto compute = dtype::bf16;
#endif
  static constexpr bool splits_master = true;
};

static_assert(explain<shard::Zero3, Mine, offload::None, wrap::WholeModel, checkpoint::None>());
