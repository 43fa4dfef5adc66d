// expect-error: [ashlar.checkpoint.10]
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/mlp.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Mlp<8>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
};

struct Layers {
  static constexpr std::string_view name = "Layers";
  template <class Model, class T>
#ifdef FIXED
  static consteval bool recomputes(){
#else
  static bool recomputes() {
#endif
      return std::is_same_v<T, Net::Layer>;
} template <class Model>
static consteval bool applies() {
  return true;
}
}
;

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel, Layers>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
