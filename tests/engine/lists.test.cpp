// Lists of lists, and a frozen list and parameter, train as the plain loop does, bit for bit.
#include <ATen/ATen.h>

#include <array>
#include <boost/hana/define_struct.hpp>

#include <ashlar/comm/solo.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/nn/tied.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/training.hpp>

#include "support/reference.hpp"

#include "support/catch.hpp"

namespace ashlar {
namespace {

struct Grid {
  using Layer = nn::Linear<7, 7>;
  using Row = std::array<Layer, 2>;
  using Rows = std::array<Row, 2>;
  using Held = nn::Frozen<std::array<nn::Linear<7, 7>, 2>>;
  using Shift = nn::Frozen<nn::Parameter<7>>;
  BOOST_HANA_DEFINE_STRUCT(Grid, (Rows, rows), (Held, held), (Shift, shift));

  Grid() { shift.module.init = nn::ones(); }

  auto loss(auto& run, const Tensor& x, const Tensor& y) const {
    Tensor out = x;
    for (const Row& row : rows)
      for (const Layer& layer : row) out = at::tanh(run(layer, out));
    for (const auto& layer : held.module) out = at::tanh(run(layer, out));
    return at::mse_loss(out + *shift.module, y);
  }
};

template <class Wrap, class Checkpoint>
void check() {
  const Recipe recipe{.seed = 3};
  const optim::AdamW adamw{.learning_rate = 1e-2};
  comm::Solo world;
  auto trainer = Trainer<shard::Zero3, precision::Fp32, offload::None, Wrap, Checkpoint>::template make<Grid>(
      world, adamw, recipe);
  test::Reference<precision::Fp32, Grid, optim::AdamW> reference(adamw, recipe, at::kCPU);
  at::manual_seed(1);
  const Tensor x = at::randn({5, 7}), y = at::randn({5, 7});
  for (int i = 0; i < 3; ++i)
    CHECK(trainer.step(x, y).loss == reference.step([&](auto& model, int) { return model.loss(x, y); }));
  const auto whole = trainer.full_parameters();
  REQUIRE(whole.size() == reference.parameters().size());
  for (std::size_t k = 0; k < whole.size(); ++k) {
    INFO(whole[k].name);
    CHECK(whole[k].name == reference.parameters()[k].name);
    CHECK(whole[k].value.equal(reference.master(k)));
    CHECK(whole[k].states.empty() == !reference.parameters()[k].trainable);
  }
}

TEST_CASE("lists of lists and frozen lists train as a plain loop does") {
  check<wrap::WholeModel, checkpoint::None>();
  check<wrap::Each<Grid::Layer>, checkpoint::Recompute>();
}

}  // namespace
}  // namespace ashlar
