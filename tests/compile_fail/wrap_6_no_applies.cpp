// expect-error: [ashlar.wrap.6]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Repeated {
  static constexpr std::string_view name = "Repeated";
  template <class Model, class T>
  static consteval bool starts_unit() {
    return repeats<Model, T>();
  }
#ifdef FIXED
  template <class Model>
  static consteval bool applies() {
    return true;
  }
#endif
};

static_assert(explain<shard::Zero3, precision::Fp32, offload::None, Repeated, checkpoint::None>());
