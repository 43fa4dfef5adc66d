// Mixed precision: bfloat16 computes and travels, float32 remembers.
//
// bfloat16 has 8 significant bits: next to a weight of 1, an update of 0.001 is rounded away. Bf16Mixed keeps
// a master copy of its shard in float32, in which small updates add up; of that Bf16Split keeps the lower
// half alone, for the parameter is the upper; Bf16Pure has none.
//
//   run:  .build/release/examples/04_mixed_precision
//   see:  a weight go from 1 to 0.9 in steps of 0.001, except in pure bfloat16; what each costs in bytes
#include <boost/hana/define_struct.hpp>

#include <cmath>
#include <cstdio>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Weight {
  using One = nn::Parameter<1>;
  BOOST_HANA_DEFINE_STRUCT(Weight, (One, weight));
  constexpr Weight() { weight.init = nn::ones(); }

  auto loss(auto&, const auto& x, const auto&) const {
    return (x * *weight).sum();
  }  // its slope is x, always
};

template <class Precision>
double train() {
  using Strategy = Trainer<shard::Replicate, Precision, offload::None, wrap::WholeModel>;
  comm::Solo world;
  auto trainer = Strategy::template make<Weight>(world, optim::Sgd{.learning_rate = 1e-3, .momentum = 0});
  const Tensor x = at::ones({1});
  for (int i = 0; i < 100; ++i) trainer.step(x, x);
  const double weight = trainer.full_parameters()[0].value.template item<double>();

  using Gpt = models::Gpt<models::gpt2>;
  using Sharded = Trainer<shard::Zero3, Precision, offload::None, wrap::Each<Gpt::Block>>;
  constexpr long bytes = plan<Sharded, Gpt>(ashlar::world{8}).kept();
  constexpr long sent = plan<Sharded, Gpt>(ashlar::world{8}).sent(Collective::all_gather);
  std::printf("%-10s weight %.4f;  GPT-2 on 8 ranks: %4ld MB kept, %4ld MB gathered a step\n",
              Precision::name.data(), weight, bytes / 1'000'000, sent / 1'000'000);
  return weight;
}

int main() {
  return comm::guarded([] {
    const double full = train<precision::Fp32>(), mixed = train<precision::Bf16Mixed>();
    const double split = train<precision::Bf16Split>(), pure = train<precision::Bf16Pure>();
    return std::abs(full - 0.9) < 1e-5 && mixed == full && split == full && pure == 1 ? 0 : 1;
  });
}
