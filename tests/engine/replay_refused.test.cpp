// Replay: a step that cannot be captured says so. Of its own, for LibTorch takes a GPU's generator for
// captured from then on.
// gpus: 1 2
#include <ashlar/ashlar.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/policies.hpp>

#include "data/temporary.hpp"
#include "support/world.hpp"

namespace ashlar::test {
namespace {

using Catch::Matchers::ContainsSubstring;

struct Net {
  using Inner = nn::Linear<6, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Inner, inner));

  Tensor loss(auto& run, const Tensor& x, const Tensor& y) const {
    const Tensor out = run(inner, x).to(at::kFloat);
    return out.mean().item<float>() > 1e6F ? out.mean() : at::mse_loss(out, y.to(at::kFloat));
  }
};

TEST_CASE("train.10: a step that waits for the GPU is not captured") {
  using Strategy = Trainer<shard::Zero3, precision::Bf16Mixed, offload::None, wrap::WholeModel>;
  auto trainer = Strategy::make<Net>(world(), optim::AdamW{});
  const Tensor x = at::arange(24, at::kFloat).sin_().view({4, 6}), y = x.sum(1, true);
  trainer.step(x, y);
  trainer.step(x, y);
  CHECK_THAT(sentence([&] { trainer.step(x, y); }),
             ContainsSubstring("[ashlar.train.10]") && ContainsSubstring("replay::None"));
  CHECK(trainer.steps() == 2);
}

}  // namespace
}  // namespace ashlar::test
