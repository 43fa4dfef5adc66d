// expect-error: [ashlar.precision.5]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine {
  static constexpr std::string_view name = "Mine";
  static constexpr auto compute = dtype::bf16;
#ifdef FIXED
  static constexpr auto reduce = dtype::f32;
#else
  static constexpr int reduce = 32;
#endif
  static constexpr auto master = dtype::f32;
};

static_assert(explain<shard::Zero3, Mine, offload::None, wrap::WholeModel, checkpoint::None>());
