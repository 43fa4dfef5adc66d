// One process: a model, a strategy, a loop. Everything else is a variation of this.
//
// The model declares its layers to the compiler and says how they run. The strategy is a type. In a world of
// one the collectives are the identity, so comm::Solo needs nothing installed.
//
//   run:  .build/release/examples/01_one_process
//   see:  a network of 4,353 parameters learn the sine, its loss falling below 0.001
#include <boost/hana/define_struct.hpp>

#include <cstdio>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

// [readme: model]
struct Net {
  using In = nn::Linear<1, 64>;
  using Hidden = nn::Linear<64, 64>;
  using Out = nn::Linear<64, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (In, in), (Hidden, hidden), (Out, out));

  auto forward(auto& run, const auto& x) const {  // (B, 1) -> same
    return run(out, ops::gelu(run(hidden, ops::gelu(run(in, x)))));
  }

  auto loss(auto& run, const auto& x, const auto& y) const {  // scalar: the mean over what it is given
    return (forward(run, x) - y).square().mean();
  }
};
// [readme: end]

using Strategy = Trainer<shard::Replicate, precision::Fp32, offload::None, wrap::WholeModel>;

int main() {
  return comm::guarded([] {
    comm::Solo world;
    auto trainer = Strategy::make<Net>(world, optim::AdamW{.learning_rate = 3e-3}, {.seed = 1});

    const Tensor x = at::linspace(-3, 3, 256).unsqueeze(1);  // (256, 1)
    const Tensor y = x.sin();
    for (int i = 0; i < 500; ++i) {
      const Report report = trainer.step(x, y);
      if (report.step % 100 == 0) std::printf("step %4ld  loss %.6f\n", report.step, report.loss);
    }
    const double loss = trainer.evaluate(x, y);
    std::printf("the sine of 1 is %.3f\n", trainer.predict(at::ones({1, 1})).item<double>());
    return loss < 1e-3 ? 0 : 1;
  });
}
