// expect-error: [ashlar.model.37]
#include "compile_fail/making.hpp"

struct Fixed {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Fixed, (Layer, layer));
  constexpr Fixed() = default;
#ifndef FIXED
  Fixed(Fixed&&) = delete;
#endif
};

void train(CommunicatorArchetype& world) {
  Strategy::make<Fixed>(world, optim::AdamW{});
}
