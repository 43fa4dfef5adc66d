// BySize: the compiler cuts the model into units by their bytes, where no type is the natural layer.
//
// Every module that holds 64 KiB of parameters of its own becomes a unit. Shapes are constants, so the cut is
// one too: it is asserted below, before anything runs.
//
//   run:  mpirun -np 2 .build/release/examples/05_by_size
//   see:  the units that were found, and the loss of one root unit and of many, equal
// processes: 1 2
#include <boost/hana/define_struct.hpp>

#include <cstdio>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Net {
  using First = nn::Linear<8, 128>;     //   4.5 KiB, too small for a unit
  using Second = nn::Linear<128, 256>;  // 129 KiB
  using Third = nn::Linear<256, 64>;    //  64.25 KiB
  using Fourth = nn::Linear<64, 8>;     //   2 KiB, too small
  BOOST_HANA_DEFINE_STRUCT(Net, (First, first), (Second, second), (Third, third), (Fourth, fourth));

  auto loss(auto& run, const auto& x, const auto& y) const {  // (B, 8), both
    return (run(fourth, run(third, run(second, run(first, x)).relu()).relu()) - y).square().mean();
  }
};

template <class Wrap>
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, Wrap>;

constexpr long kibibyte = 1024;
static_assert(plan<Strategy<wrap::BySize<64 * kibibyte>>, Net>(world{2}).units.size() == 3);
static_assert(plan<Strategy<wrap::BySize<128 * kibibyte>>, Net>(world{2}).units.size() == 2);

template <class Wrap>
double train(comm::Mpi& world) {
  auto trainer = Strategy<Wrap>::template make<Net>(world, optim::AdamW{});
  const Tensor all = at::linspace(-1, 1, 32 * 8).view({32, 8});
  const Tensor x = all.narrow(0, world.rank() * 32 / world.size(), 32 / world.size());
  for (int i = 0; i < 10; ++i) trainer.step(x, x.cos());
  if (world.rank() == 0) std::printf("%s\n", describe(trainer.plan()).c_str());
  return trainer.evaluate(x, x.cos());
}

int main() {
  return comm::guarded([] {
    comm::Mpi world;
    const double whole = train<wrap::WholeModel>(world), cut = train<wrap::BySize<64 * kibibyte>>(world);
    if (world.rank() == 0) std::printf("losses %.17g and %.17g\n", whole, cut);
    return whole == cut ? 0 : 1;
  });
}
