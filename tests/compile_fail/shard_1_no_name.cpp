// expect-error: [ashlar.shard.1]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine : shard::Zero3 {
#ifdef FIXED
  static constexpr std::string_view name = "Mine";
#else
  void name();  // hides Zero3's
#endif
};

static_assert(explain<Mine, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::None>());
