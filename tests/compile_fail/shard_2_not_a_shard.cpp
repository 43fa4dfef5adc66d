// expect-error: [ashlar.shard.2]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

#ifdef FIXED
struct Mine : shard::Zero3 {
#else
struct Mine {
#endif
  static constexpr std::string_view name = "Mine";
};

static_assert(explain<Mine, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::None>());
