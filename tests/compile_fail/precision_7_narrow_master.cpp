// expect-error: [ashlar.precision.7]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine {
  static constexpr std::string_view name = "Mine";
  static constexpr auto compute = dtype::f32;
#ifdef FIXED
  static constexpr auto reduce = dtype::f32;
  static constexpr auto master = dtype::f32;
#else
  static constexpr auto reduce = dtype::bf16;
  static constexpr auto master = dtype::bf16;
#endif
};

static_assert(explain<shard::Zero3, Mine, offload::None, wrap::WholeModel, checkpoint::None>());
