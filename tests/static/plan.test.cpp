// The plan as a constant: the formulas of the policies' cards, in bytes. The model's sizes are multiples of
// the padding, so that the formulas hold exactly. Quoted are the rows of the cards; tests/readme/policies.sh
// finds them here.
#include <array>
#include <initializer_list>

#include <boost/hana/define_struct.hpp>

#include <ashlar/models/gpt.hpp>
#include <ashlar/nn/lora.hpp>
#include <ashlar/optim/sgd.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/policies.hpp>

namespace ashlar {
namespace {

// A root of 4096 parameters of its own, and three layers of 8192.
struct Layer {
  using Weight = nn::Parameter<64, 64>;
  BOOST_HANA_DEFINE_STRUCT(Layer, (Weight, up), (Weight, down));
};
struct Net {
  using Stem = nn::Parameter<64, 64>;
  using Layers = std::array<Layer, 3>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Stem, stem), (Layers, layers));
};
constexpr long stem = 4096, layer = 8192, numel = stem + 3 * layer;

template <class Shard, class Precision = precision::Fp32, class Wrap = wrap::Each<Layer>>
using With = Trainer<Shard, Precision, offload::None, Wrap>;

// Bytes in float32: parameters, gradients and AdamW's two moments.
constexpr long P = 4 * numel, G = 4 * numel, O = 8 * numel;
constexpr long report = 32;  // loss, squared norm and two of the rows, as float64, in one all-reduce

template <class Strategy, class Optimizer = optim::AdamW>
constexpr bool keeps(int N, long parameters, long gradients, long optimizer) {
  const Plan p = plan<Strategy, Net, Optimizer>(world{N});
  return p.parameters == parameters && p.gradients == gradients && p.optimizer == optimizer;
}

template <class Strategy>
constexpr bool sends(int N, int micro_batches, long all_gather, long reduce_scatter, long all_reduce) {
  const Plan p = plan<Strategy, Net>(world{N}, micro_batches);
  return p.sent(Collective::all_gather) == all_gather &&
         p.sent(Collective::reduce_scatter) == reduce_scatter &&
         p.sent(Collective::all_reduce) == all_reduce + report;
}

// Holds for each world size N, and where it matters for each number of micro-batches m.
constexpr bool for_worlds(auto test) {
  for (const int N : {1, 2, 4, 8})
    if (!test(N)) return false;
  return true;
}
constexpr bool for_steps(auto test) {
  for (const int N : {2, 8})
    for (const int m : {1, 3})
      if (!test(N, m)) return false;
  return true;
}

// Replicate
//   each rank keeps  P parameters, G gradients, O optimizer state
//   each step sends  one all-reduce of G
using Replicate = With<shard::Replicate>;
static_assert(for_worlds([](int N) { return keeps<Replicate>(N, P, G, O); }));
static_assert(for_steps([](int N, int m) { return sends<Replicate>(N, m, 0, 0, G); }));

// Zero1
//   each rank keeps  P parameters, G gradients, O/N optimizer state
//   each step sends  one reduce-scatter of G, one all-gather of P
using Zero1 = With<shard::Zero1>;
static_assert(for_worlds([](int N) { return keeps<Zero1>(N, P, G, O / N); }));
static_assert(for_steps([](int N, int m) { return sends<Zero1>(N, m, P, G, 0); }));

// Zero2
//   each rank keeps  P parameters, G/N gradients, O/N optimizer state, room for a few units' whole gradients
//   each step sends  one reduce-scatter of G a micro-batch, one all-gather of P
using Zero2 = With<shard::Zero2>;
static_assert(for_worlds([](int N) { return keeps<Zero2>(N, P, G / N, O / N); }));
static_assert(for_steps([](int N, int m) { return sends<Zero2>(N, m, P, m * G, 0); }));

// ShardGradOp
//   each rank keeps  P/N parameters, G/N gradients, O/N optimizer state, room for P and some gradients
//   each step sends  one all-gather of P, one reduce-scatter of G a micro-batch
using ShardGradOp = With<shard::ShardGradOp>;
static_assert(for_worlds([](int N) { return keeps<ShardGradOp>(N, P / N, G / N, O / N); }));
static_assert(for_worlds([](int N) { return plan<ShardGradOp, Net>(world{N}).slots == P; }));
static_assert(for_steps([](int N, int m) { return sends<ShardGradOp>(N, m, P, m * G, 0); }));

// Zero3
//   each rank keeps  P/N parameters, G/N gradients, O/N optimizer state, room for the root and a few units
//   each step sends  all-gathers of 2P less root and last unit, one reduce-scatter of G, a micro-batch
using Zero3 = With<shard::Zero3>;
static_assert(for_worlds([](int N) { return keeps<Zero3>(N, P / N, G / N, O / N); }));
static_assert(for_worlds([](int N) { return plan<Zero3, Net>(world{N}).slots == 4 * (stem + 2 * layer); }));
static_assert(for_steps([](int N, int m) {
  return sends<Zero3>(N, m, m * (2 * P - 4 * (stem + layer)), m * G, 0);
}));

// Whole gradients: of the root, of the unit in backward, and of the one whose reduction is under way.
static_assert(plan<Zero2, Net>(world{8}).gradient_slots == 4 * (stem + 2 * layer));
static_assert(plan<Zero3, Net>(world{8}).gradient_slots == 4 * (stem + 2 * layer));
static_assert(plan<ShardGradOp, Net>(world{8}).gradient_slots == 4 * (stem + 2 * layer));
static_assert(plan<Zero1, Net>(world{8}).gradient_slots == 0);

// Fp32
//   each rank keeps  P = 4 bytes a parameter, G = 4, O = 4 a state tensor
//   each step sends  P and G in float32
static_assert(keeps<Zero1, optim::Sgd>(8, 4 * numel, 4 * numel, 4 * numel / 8));

// Bf16Mixed
//   each rank keeps  P = 2 bytes a parameter, G = 4, O = 4 of master weight and 4 a state tensor
//   each step sends  P in bfloat16, G in float32
using Mixed = With<shard::Zero1, precision::Bf16Mixed>;
static_assert(keeps<Mixed>(8, 2 * numel, 4 * numel, (4 + 2 * 4) * numel / 8));
static_assert(keeps<Mixed, optim::Sgd>(8, 2 * numel, 4 * numel, (4 + 4) * numel / 8));
static_assert(sends<Mixed>(8, 1, 2 * numel, 4 * numel, 0));

// Bf16Pure
//   each rank keeps  P = 2 bytes a parameter, G = 2, O = 2 a state tensor
//   each step sends  P and G in bfloat16
using Pure = With<shard::Zero1, precision::Bf16Pure>;
static_assert(keeps<Pure>(8, 2 * numel, 2 * numel, 2 * 2 * numel / 8));
static_assert(sends<Pure>(8, 1, 2 * numel, 2 * numel, 0));

// Bf16Split
//   each rank keeps  P = 2 bytes a parameter, G = 4, O = 2 of master weight and 4 a state tensor
//   each step sends  P in bfloat16, G in float32
using Split = With<shard::Zero1, precision::Bf16Split>;
static_assert(keeps<Split>(8, 2 * numel, 4 * numel, (2 + 2 * 4) * numel / 8));
static_assert(keeps<Split, optim::Sgd>(8, 2 * numel, 4 * numel, (2 + 4) * numel / 8));
static_assert(sends<Split>(8, 1, 2 * numel, 4 * numel, 0));
static_assert(plan<Mixed, Net>(world{8}).update == (2 * 3 * 4 + 4 + 2) * numel / 8);
static_assert(plan<Split, Net>(world{8}).update == (2 * (2 + 2 + 2 * 4) + 4) * numel / 8);

// WholeModel
//   each rank keeps  under Zero3 room for the whole model
//   each step sends  the fewest and largest collectives, and none that hides behind compute
// Each
//   each rank keeps  under Zero3 room for the root and a few whole units
//   each step sends  one collective a unit where WholeModel sends one
template <class Wrap>
constexpr Plan wrapped(int N) {
  return plan<With<shard::Zero3, precision::Fp32, Wrap>, Net>(world{N});
}
static_assert(wrapped<wrap::WholeModel>(4).units.size() == 1 && wrapped<wrap::WholeModel>(4).slots == P);
static_assert(wrapped<wrap::WholeModel>(4).step.size() == 3, "all-gather, reduce-scatter, the report");
static_assert(wrapped<wrap::Each<Layer>>(4).units.size() == 4);
static_assert(wrapped<wrap::Each<Layer>>(4).step.size() == (4 + 2) + 4 + 1);

// BySize counts 4 bytes a parameter, whatever the Precision: a layer has 32 KiB of its own.
static_assert(wrapped<wrap::BySize<4 * layer>>(4).units.size() == 4);
static_assert(!makes_some_unit<wrap::BySize<4 * layer + 1>, Net>);
static_assert(
    plan<With<shard::Zero3, precision::Bf16Pure, wrap::BySize<4 * layer>>, Net>(world{4}).units.size() == 4);

// What is frozen has neither gradient nor optimizer state.
struct Adapted {
  using Linear = nn::Lora<nn::Linear<64, 64, false>, 64>;
  BOOST_HANA_DEFINE_STRUCT(Adapted, (Linear, linear));
};
constexpr Plan adapted(int N) {
  return plan<With<shard::Zero3, precision::Fp32, wrap::WholeModel>, Adapted>(world{N});
}
static_assert(adapted(2).parameters == 4 * 3 * 64 * 64 / 2);
static_assert(adapted(2).gradients == 4 * 2 * 64 * 64 / 2 && adapted(2).optimizer == 8 * 2 * 64 * 64 / 2);

// A question that users ask: does it fit?
using Gpt = models::Gpt<models::gpt2>;
using Strategy = Trainer<shard::Zero3, precision::Bf16Mixed, offload::None, wrap::Each<Gpt::Block>>;
static_assert(plan<Strategy, Gpt>(world{8}).kept() < 1L << 30);
static_assert(plan<Strategy, Gpt>(world{1}).kept() > 1L << 30);

// OptimizerToHost
//   each rank keeps  no O on the device; O/N, G/N and P/N on its host
//   each step sends  G/N to the host, P/N back
static_assert(for_worlds([](int N) {
  using Offloaded = Trainer<shard::Zero3, precision::Bf16Mixed, offload::OptimizerToHost, wrap::Each<Layer>>;
  using Whole = Trainer<shard::Zero3, precision::Bf16Mixed, offload::None, wrap::Each<Layer>>;
  const Plan there = plan<Offloaded, Net>(world{N}), here = plan<Whole, Net>(world{N});
  return there.optimizer == 0 && there.host == 18 * numel / N && there.moved == (4 + 2) * numel / N &&
         there.parameters == here.parameters && there.gradients == here.gradients &&
         there.slots == here.slots && there.gradient_slots == here.gradient_slots &&
         there.kept() == here.kept() - 12 * numel / N && there.update == here.update && here.host == 0 &&
         here.moved == 0;
}));
static_assert(for_worlds([](int N) {  // a split master is there as it is on the device
  using Offloaded = Trainer<shard::Zero3, precision::Bf16Split, offload::OptimizerToHost, wrap::Each<Layer>>;
  const Plan there = plan<Offloaded, Net>(world{N});
  return there.optimizer == 0 && there.host == 16 * numel / N && there.moved == (4 + 2) * numel / N &&
         there.update == 28 * numel / N && there.joined == 0;
}));
static_assert(for_worlds([](int N) {  // in one type O has no master weights, but the host needs its own
  using Offloaded = Trainer<shard::Zero1, precision::Fp32, offload::OptimizerToHost, wrap::WholeModel>;
  const Plan there = plan<Offloaded, Net>(world{N});
  return there.optimizer == 0 && there.host == 16 * numel / N && there.moved == (4 + 4) * numel / N;
}));

}  // namespace
}  // namespace ashlar
