// expect-error: [ashlar.model.36]
#include "compile_fail/making.hpp"

struct Sized {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Sized, (Layer, layer));
  constexpr explicit Sized(double) {}
};

void train(CommunicatorArchetype& world) {
#ifdef FIXED
  Strategy::make(Sized(0.1), world, optim::AdamW{});
#else
  Strategy::make<Sized>(world, optim::AdamW{});
#endif
}
