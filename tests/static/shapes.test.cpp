// What a model may be made of: lists of lists, frozen lists and parameters, references into what a unit does
// not hold, a static forward, and modules that lie deep in one another.
#include <array>
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/nn/tied.hpp>
#include <ashlar/plan/choose.hpp>
#include <ashlar/policies.hpp>

namespace ashlar {
namespace {

using Layer = nn::Linear<8, 8>;  // 72 parameters, 288 bytes
template <class Wrap, class Checkpoint = checkpoint::None>
using With = Trainer<shard::Zero3, precision::Fp32, offload::None, Wrap, Checkpoint>;
template <class Model, class Wrap, class Checkpoint = checkpoint::None>
constexpr Plan planned() {
  return plan<With<Wrap, Checkpoint>, Model>(world{2});
}
constexpr long trained(const Plan& plan) {
  long sum = 0;
  for (const UnitPlan& unit : plan.units) sum += unit.trained;
  return sum;
}
constexpr long frozen_in(const Plan& plan) {
  long sum = 0;
  for (const UnitPlan& unit : plan.units) sum += unit.frozen;
  return sum;
}

struct Grid {
  using Row = std::array<Layer, 3>;
  using Rows = std::array<Row, 2>;
  BOOST_HANA_DEFINE_STRUCT(Grid, (Layer, first), (Rows, rows));
};
static_assert(planned<Grid, wrap::WholeModel>().units.size() == 1);
static_assert(planned<Grid, wrap::BySize<288>>().units.size() == 1 + 7);
static_assert(trained(planned<Grid, wrap::BySize<288>, checkpoint::Recompute>()) == 7 * 72);
static_assert(planned<Grid, wrap::Each<Layer>>().units[7].name.view() == "rows.1.2");
static_assert(repeats<Grid, Layer>() && !repeats<Grid, Grid::Row>());

struct Held {
  using Layers = nn::Frozen<std::array<Layer, 4>>;
  using Bias = nn::Frozen<nn::Parameter<8>>;
  BOOST_HANA_DEFINE_STRUCT(Held, (Layers, layers), (Bias, bias), (Layer, last));
};
static_assert(trained(planned<Held, wrap::WholeModel>()) == 72);
static_assert(frozen_in(planned<Held, wrap::WholeModel>()) == 4 * 72 + 8);
static_assert(planned<Held, wrap::Each<Layer>>().units[4].name.view() == "layers.3");

struct None {
  using Layers = std::array<Layer, 0>;
  BOOST_HANA_DEFINE_STRUCT(None, (Layer, first), (Layers, others));
};
static_assert(!occurs_below<None, None::Layers> && trained(planned<None, wrap::Each<Layer>>()) == 72);

// BySize makes no unit of what is tied, of what holds it, or of a part of it.
struct Inside {
  BOOST_HANA_DEFINE_STRUCT(Inside, (Layer, layer));
};
struct Outside {
  using Owner = std::array<Inside, 2>;
  using Again = nn::Tied<Owner>;
  BOOST_HANA_DEFINE_STRUCT(Outside, (Owner, owner), (Again, again), (Layer, last));
};
static_assert(tied_elsewhere<Outside, Inside> && tied_elsewhere<Outside, Layer>);
static_assert(!keeps_ties_together<wrap::Each<Inside>, Outside>);

// A policy that asks for sizes is asked once a module, not twice a level.
template <int level>
struct Nest {
  using Inner = Nest<level - 1>;
  BOOST_HANA_DEFINE_STRUCT(Nest, (Inner, inner), (Layer, layer));
};
template <>
struct Nest<0> {
  BOOST_HANA_DEFINE_STRUCT(Nest, (Layer, layer));
};
static_assert(own_numel<wrap::BySize<289>, Nest<30>, Nest<30>>() == 72);
static_assert(wrap::BySize<289>::starts_unit<Nest<30>, Nest<3>>());

}  // namespace
}  // namespace ashlar
