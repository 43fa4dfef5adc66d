// expect-error: [ashlar.precision.4]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine {
  static constexpr std::string_view name = "Mine";
#ifdef FIXED
  static constexpr auto compute = dtype::bf16;
#else
  static constexpr auto param = dtype::bf16;
#endif
  static constexpr auto reduce = dtype::f32;
  static constexpr auto master = dtype::f32;
};

static_assert(explain<shard::Zero3, Mine, offload::None, wrap::WholeModel, checkpoint::None>());
