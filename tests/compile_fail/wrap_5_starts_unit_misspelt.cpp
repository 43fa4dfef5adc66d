// expect-error: [ashlar.wrap.5]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Repeated {
  static constexpr std::string_view name = "Repeated";
  template <class Model, class T>
#ifdef FIXED
  static consteval bool starts_unit(){
#else
  static consteval bool starts_units() {
#endif
      return repeats<Model, T>();
} template <class Model>
static consteval bool applies() {
  return true;
}
}
;

static_assert(explain<shard::Zero3, precision::Fp32, offload::None, Repeated, checkpoint::None>());
