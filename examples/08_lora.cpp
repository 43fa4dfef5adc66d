// LoRA: the base is frozen, a correction of low rank is trained. Only the correction has gradients and
// optimizer state; the base is sharded and gathered like everything else.
//
//   run:  mpirun -np 2 .build/release/examples/08_lora
//   see:  the loss fall, 256 parameters trained beside 2,176 frozen ones, and the base unchanged, bit for bit
// processes: 1 2
#include <array>
#include <boost/hana/define_struct.hpp>

#include <cstdio>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/nn/lora.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

using Layer = nn::Lora<nn::Linear<32, 32>, 2>;  // base: nn::Frozen<nn::Linear<32, 32>>; a, b: trained
struct Net {
  using Layers = std::array<Layer, 2>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layers, layers));

  auto loss(auto& run, const auto& x, const auto& y) const {  // (B, 32), both
    return (run(layers[1], run(layers[0], x).tanh()) - y).square().mean();
  }
};

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Layer>>;
static_assert(plan<Strategy, Net>(world{1}).gradients < plan<Strategy, Net>(world{1}).parameters / 4);

int main() {
  return comm::guarded([] {
    comm::Mpi world;
    auto trainer = Strategy::make<Net>(world, optim::AdamW{.learning_rate = 2e-2}, {.seed = 1});
    const Tensor all = at::linspace(-2, 2, 64 * 32).view({64, 32}).cos();
    const Tensor x = all.narrow(0, world.rank() * 64 / world.size(), 64 / world.size()), y = x.flip(1);

    const auto before = trainer.full_parameters();
    const double first = trainer.evaluate(x, y);
    for (int i = 0; i < 100; ++i) trainer.step(x, y);
    const double last = trainer.evaluate(x, y);
    const auto after = trainer.full_parameters();

    bool as_declared = before.size() == 8;
    for (size_t i = 0; i < before.size(); ++i) {
      const bool is_base = before[i].name.find(".base.") != std::string::npos;
      as_declared &= after[i].value.equal(before[i].value) == is_base && after[i].states.empty() == is_base;
    }
    if (world.rank() == 0)
      std::printf("%sloss %.4f, then %.4f\n", describe(trainer.plan()).c_str(), first, last);
    return as_declared && last < first / 2 ? 0 : 1;
  });
}
