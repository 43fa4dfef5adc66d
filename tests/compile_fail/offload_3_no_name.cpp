// expect-error: [ashlar.offload.3]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine {
#ifdef FIXED
  static constexpr std::string_view name = "Mine";
#endif
  static constexpr auto optimizer = memory::device;
};

static_assert(explain<shard::Zero3, precision::Fp32, Mine, wrap::WholeModel, checkpoint::None>());
