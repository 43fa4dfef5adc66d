// libtorch: no
// What a plan throws at run time for values that no model, world or batch can have. In a constant expression
// the compiler quotes the same lines.
#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/embedding.hpp>
#include <ashlar/nn/layer_norm.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/policies.hpp>

#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::StartsWith;
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;

// An embedding of 8, a layer that makes 16 of it, and one that takes `in`.
template <class Last>
struct Net {
  using Words = nn::Embedding<10, 8>;
  using Wide = nn::Linear<8, 16>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Words, words), (Wide, wide), (Last, last));

  constexpr auto loss(auto& run, const auto& x, const auto&) const {
    return run(last, run(wide, run(words, x)));
  }
};
using Fits = Net<nn::Linear<16, 4>>;

TEST_CASE("a plan is for at least one micro-batch") {
  CHECK_THROWS_WITH((plan<Strategy, Fits>(world{8}, 0)), StartsWith("[ashlar.plan.6]"));
  CHECK_THROWS_WITH((plan<Strategy, Fits>(world{8}, batch{1, 8}, -3)), StartsWith("[ashlar.plan.6]"));
  CHECK(plan<Strategy, Fits>(world{8}, batch{1, 8}, 2).micro_batches == 2);
}

TEST_CASE("a layer is as wide as what it is run with") {
  CHECK_THROWS_WITH((plan<Strategy, Net<nn::Linear<32, 64>>>(world{8}, batch{1, 8})),
                    StartsWith("[ashlar.nn.5]"));
  CHECK_THROWS_WITH((plan<Strategy, Net<nn::LayerNorm<32>>>(world{8}, batch{1, 8})),
                    StartsWith("[ashlar.nn.5]"));
  CHECK(plan<Strategy, Fits>(world{8}, batch{1, 8}).peak() > 0);
}

TEST_CASE("tensors that are added have equal sizes") {
  Tape tape(kernels::cpu, dtype::f32, dtype::f32);
  const Symbol x(tape, {2, 4, 8}, Values::f32), row(tape, {8}, Values::f32),
      other(tape, {4, 16}, Values::f32);
  CHECK((x + row).numel() == x.numel());
  CHECK_THROWS_WITH(x + other, StartsWith("[ashlar.nn.6]"));
}

}  // namespace
}  // namespace ashlar
