// What a program outside of Ashlar sees: core and policies under one <ashlar/...>, and LibTorch behind them.
#include <ATen/ATen.h>

#include <iostream>

#include <ashlar/ashlar.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

constexpr models::GptShape shape{.vocabulary = 16, .context = 8, .layers = 1, .heads = 2, .dim = 8};
using Model = models::Gpt<shape>;
using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<models::GptBlock<shape>>>;

int main() {
  comm::Solo comm;
  auto training = Strategy::make<Model>(comm, optim::AdamW{.learning_rate = 0.01});
  const auto ids = at::arange(8, at::kLong).reshape({1, 8});
  const double first = training.step(ids, ids).loss, second = training.step(ids, ids).loss;
  std::cout << "loss " << first << ", then " << second << '\n';
  return second < first ? 0 : 1;
}
