// expect-error: [ashlar.checkpoint.6]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine {
  static constexpr std::string_view name = "Mine";
  template <class Model, class T>
  static consteval bool recomputes() {
    return repeats<Model, T>();
  }
#ifdef FIXED
  template <class Model>
  static consteval bool applies() {
    return true;
  }
#endif
};

static_assert(explain<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel, Mine>());
