// expect-error: [ashlar.wrap.4]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Repeated {
#ifdef FIXED
  static constexpr std::string_view name = "Repeated";
#endif
  template <class Model, class T>
  static consteval bool starts_unit() {
    return repeats<Model, T>();
  }
  template <class Model>
  static consteval bool applies() {
    return true;
  }
};

static_assert(explain<shard::Zero3, precision::Fp32, offload::None, Repeated, checkpoint::None>());
