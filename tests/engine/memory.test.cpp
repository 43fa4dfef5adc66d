// Memory: bytes are lent and taken back while every window stays what it is. Poison is on here whatever the
// build: this file compiles memory.cpp itself, and the library's own is then not linked.
// program: own
#include <ATen/ATen.h>

#undef NDEBUG
#include <ashlar/engine/memory.cpp>

#include <cmath>
#include <vector>

#include <ashlar/ashlar.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/policies.hpp>

#include "support/catch.hpp"

namespace ashlar {
namespace {

const c10::Device cpu(c10::kCPU);

bool all_nan(const Tensor& tensor) {
  return tensor.isnan().all().item<bool>();
}

TEST_CASE("a window follows its flat from slot to slot, and is a leaf of its own") {
  const Tensor flat = unbacked(64, dtype::f32, cpu);
  const Tensor w = window(flat, 8, {2, 3});
  CHECK_FALSE(w.is_view());
  CHECK(w.is_leaf());
  CHECK(w.is_contiguous());
  CHECK_THROWS_AS(w.const_data_ptr<float>(), c10::Error);  // nothing was lent yet

  const Tensor one = at::arange(128, at::kFloat), two = -one;
  lend(flat, one, 64 * 4);
  CHECK(w.equal(one.narrow(0, 64 + 8, 6).view({2, 3})));
  w.add_(0.5);
  CHECK(one[64 + 9].item<float>() == 73.5F);
  take_back(flat);
  CHECK_THROWS_AS(w.const_data_ptr<float>(), c10::Error);
  lend(flat, two, 0);
  CHECK(w.equal(two.narrow(0, 8, 6).view({2, 3})));
  take_back(flat);
}

TEST_CASE("what was taken back is poison, and nothing beside it") {
  for (const dtype type : {dtype::f32, dtype::bf16}) {
    const Tensor slot = zeros(192, type, cpu);
    const Tensor flat = unbacked(64, type, cpu), w = window(flat, 0, {64});
    lend(flat, slot, 64 * bytes(type));
    flat.fill_(1);
    take_back(flat);
    CHECK(all_nan(slot.narrow(0, 64, 64)));
    CHECK(slot.narrow(0, 0, 64).eq(0).all().item<bool>());
    CHECK(slot.narrow(0, 128, 64).eq(0).all().item<bool>());
    lend(flat, slot, 64 * bytes(type));  // and a window that is read before the gather has written it, too
    CHECK(all_nan(w));
    take_back(flat);
  }
}

// Remembers where its weight lay.
struct Leaky {
  using Inner = nn::Linear<6, 6>;
  BOOST_HANA_DEFINE_STRUCT(Leaky, (Inner, inner));
  mutable float* address = nullptr;

  Tensor forward(auto& run, const Tensor& x) const {  // (R, 6) -> same
    address = (*inner.weight).data_ptr<float>();
    return run(inner, x);
  }
};
struct Net {
  using Layers = std::array<Leaky, 3>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layers, layers));
  mutable std::vector<Tensor> read;  // each layer's weight as it lies there when the layer is over: 1D, 36

  Tensor loss(auto& run, Tensor x, const Tensor& y) const {
    for (const Leaky& layer : layers) {
      x = run(layer, x);
      read.push_back(at::from_blob(layer.address, {36}, at::kFloat).clone());
    }
    return (x - y).square().mean();
  }
};

template <class Shard>
std::vector<Tensor> read_behind_units() {
  comm::Solo comm;
  using Strategy = Trainer<Shard, precision::Fp32, offload::None, wrap::Each<Leaky>>;
  auto trainer = Strategy::template make<Net>(comm, optim::Sgd{});
  const Tensor x = at::linspace(-1, 1, 12).view({2, 6});
  trainer.step(x, x.flip(0));
  return trainer.model().read;
}

TEST_CASE("a unit's parameters read after the unit was given back are poison") {
  const std::vector<Tensor> after = read_behind_units<shard::Zero3>();
  REQUIRE(after.size() == 3);
  CHECK(all_nan(after[0]));
  CHECK(all_nan(after[1]));
  CHECK_FALSE(after[2].isnan().any().item<bool>());  // the last unit stays for its backward
  for (const Tensor& weight : read_behind_units<shard::ShardGradOp>())
    CHECK_FALSE(weight.isnan().any().item<bool>());
}

// Of two equal parts of a sum.
double sum_of_squares(const Tensor& x) {
  const Tensor sum = at::zeros({}, at::kDouble);
  add_squares(sum, x);
  add_squares(sum, x);
  return sum.item<double>() / 2;
}

TEST_CASE("sums of squares are added up in double, at every length") {
  for (const long numel : {0L, 1L, 31L, 32L, 33L, 1000L, 4099L}) {
    const Tensor x = at::arange(numel, at::kDouble).sin_().to(at::kFloat);
    double sum = 0;
    for (long i = 0; i < numel; ++i) sum += std::pow(static_cast<double>(x.const_data_ptr<float>()[i]), 2);
    CHECK(std::abs(sum_of_squares(x) - sum) <= 1e-14 * sum);
    const Tensor rounded = x.to(at::kBFloat16);
    const double due = rounded.to(at::kDouble).square().sum().item<double>();
    CHECK(std::abs(sum_of_squares(rounded) - due) <= 1e-14 * due);
  }
  // 1e8 and 4096 times 1e-4: float32 would lose every one of the small squares.
  Tensor x = at::full({4097}, 1e-2F);
  x[0] = 1e4F;
  CHECK(std::abs(sum_of_squares(x) - 1e8 - 0.4096) < 1e-6);
}

}  // namespace
}  // namespace ashlar
