// What a program outside of Ashlar sees: core and policies under one <ashlar/...>, and LibTorch behind them.
#include <ATen/ATen.h>

#include <ashlar/concepts/shard_policy.hpp>
#include <ashlar/error.hpp>
#include <ashlar/shard/zero3.hpp>

#include <iostream>

static_assert(ashlar::shard_policy<ashlar::shard::Zero3>);

int main() {
  const ashlar::Error error("outside.1", "a tensor of ones", "none", "run this test again");
  if (at::ones({2, 3}).sum().item<float>() != 6.0F) throw error;
  std::cout << "found ashlar, with " << ashlar::shard::Zero3::name << '\n';
}
