// expect-error: [ashlar.checkpoint.4]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine {
#ifdef FIXED
  static constexpr std::string_view name = "Mine";
#endif
  template <class Model, class T>
  static consteval bool recomputes() {
    return repeats<Model, T>();
  }
  template <class Model>
  static consteval bool applies() {
    return true;
  }
};

static_assert(explain<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel, Mine>());
