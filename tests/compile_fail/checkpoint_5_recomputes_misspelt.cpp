// expect-error: [ashlar.checkpoint.5]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine {
  static constexpr std::string_view name = "Mine";
  template <class Model, class T>
#ifdef FIXED
  static consteval bool recomputes(){
#else
  static consteval bool recompute() {
#endif
      return repeats<Model, T>();
} template <class Model>
static consteval bool applies() {
  return true;
}
}
;

static_assert(explain<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel, Mine>());
