// expect-error: [ashlar.precision.8]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine : precision::Bf16Mixed {
#ifdef FIXED
  static constexpr bool splits_master = true;
#else
  static inline bool splits_master = true;
#endif
};

static_assert(explain<shard::Zero3, Mine, offload::None, wrap::WholeModel, checkpoint::None>());
