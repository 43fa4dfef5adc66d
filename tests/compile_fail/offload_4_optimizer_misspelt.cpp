// expect-error: [ashlar.offload.4]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine {
  static constexpr std::string_view name = "Mine";
#ifdef FIXED
  static constexpr auto optimizer = memory::device;
#else
  static constexpr auto optimiser = memory::device;
#endif
};

static_assert(explain<shard::Zero3, precision::Fp32, Mine, wrap::WholeModel, checkpoint::None>());
