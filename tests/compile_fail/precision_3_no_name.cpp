// expect-error: [ashlar.precision.3]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine {
#ifdef FIXED
  static constexpr std::string_view name = "Mine";
#endif
  static constexpr auto compute = dtype::bf16;
  static constexpr auto reduce = dtype::f32;
  static constexpr auto master = dtype::f32;
};

static_assert(explain<shard::Zero3, Mine, offload::None, wrap::WholeModel, checkpoint::None>());
