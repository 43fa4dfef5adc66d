// Sharing: tensors of a module that lie in one another's memory are refused, or lie so still when they train.
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/solo.hpp>
#include <ashlar/policies.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;
using test::sentence;

// Parameters and buffers by name, in this order.
struct TensorsImpl : torch::nn::Module {
  Tensor parameter(const std::string& name, Tensor tensor) { return register_parameter(name, tensor); }
  Tensor buffer(const std::string& name, Tensor tensor) { return register_buffer(name, tensor); }
  Tensor forward(const Tensor& x) { return x * parameters()[0].sum(); }
};
TORCH_MODULE(Tensors);

template <class Shard>
auto trainer_of(Tensors& module) {
  static comm::Solo comm;
  return Trainer<Shard, precision::Fp32, offload::None, wrap::WholeModel>::make(module, comm, optim::Sgd{});
}

// What make() says of a module that fill(module, table) fills; `table`: (6, 4).
std::string make(auto&& fill) {
  const auto under = [&]<class Shard>() {
    Tensors module;
    fill(*module, at::randn({6, 4}));
    return sentence([&] { trainer_of<Shard>(module); });
  };
  const std::string said = under.template operator()<shard::Zero3>();
  CHECK(said == under.template operator()<shard::Replicate>());
  return said;
}

// The same with two tensors made of the table, the second a parameter or a buffer.
std::string make_two(bool parameters, auto&& first, auto&& second) {
  return make([&](TensorsImpl& module, const Tensor& table) {
    module.parameter("a", first(table));
    if (parameters)
      module.parameter("b", second(table));
    else
      module.buffer("b", second(table));
  });
}

TEST_CASE("parameter.6: parameters that share memory, in any form") {
  const auto refused = ContainsSubstring("[ashlar.parameter.6]");
  const auto flat = [](const Tensor& t) { return t.view({24}); };
  const auto rows = [](long first, long count) {
    return [=](const Tensor& t) { return t.narrow(0, first, count); };
  };
  const auto columns = [](long first, long count) {
    return [=](const Tensor& t) { return t.narrow(1, first, count); };
  };
  CHECK_THAT(make_two(true, flat, flat), refused);
  CHECK_THAT(make_two(true, flat, [](const Tensor& t) { return t.t(); }), refused);
  CHECK_THAT(make_two(true, rows(0, 4), rows(3, 3)), refused);
  CHECK_THAT(make_two(true, columns(0, 3), columns(2, 2)), refused);
  CHECK_THAT(make_two(true, rows(1, 2), columns(0, 1)), refused);
  CHECK_THAT(make_two(true, rows(0, 2), [](const Tensor& t) { return t.view(at::kDouble).narrow(0, 1, 3); }),
             refused);
  CHECK(make_two(true, rows(0, 3), rows(3, 3)) == "no error");
  CHECK(make_two(true, columns(0, 2), columns(2, 2)) == "no error");
  CHECK(make_two(true, flat, [](const Tensor&) { return at::randn({6, 4}); }) == "no error");

  const auto itself = ContainsSubstring(
      "[ashlar.parameter.6] expected parameters and buffers that each have memory of their own, got 'a' in "
      "that of "
      "itself");
  CHECK_THAT(make([](TensorsImpl& module, const Tensor& t) {
               module.parameter("a", t.narrow(1, 0, 1).expand({6, 3}));
             }),
             itself);
  CHECK_THAT(
      make([](TensorsImpl& module, const Tensor& t) { module.parameter("a", t.view({24}).unfold(0, 3, 1)); }),
      itself);
}

TEST_CASE("parameter.6: a parameter and a buffer") {
  const auto all = [](const Tensor& t) { return t; };
  const auto rows = [](long first, long count) {
    return [=](const Tensor& t) { return t.narrow(0, first, count); };
  };
  CHECK_THAT(make_two(false, all, all), ContainsSubstring("[ashlar.parameter.6]"));
  CHECK_THAT(make_two(false, rows(0, 3), rows(2, 1)), ContainsSubstring("[ashlar.parameter.6]"));
  CHECK(make_two(false, rows(0, 3), rows(3, 1)) == "no error");
}

TEST_CASE("buffers that share memory share it in a trainer, too") {
  const Tensor table = at::arange(24, at::kFloat).view({6, 4});
  Tensors module;
  module->parameter("weight", at::randn({3}));
  const Tensor a = module->buffer("a", table.narrow(0, 0, 4)), b = module->buffer("b", table.narrow(0, 2, 2));
  const Tensor c = module->buffer("c", at::ones({2})), d = module->buffer("d", table.narrow(0, 5, 1));
  auto trainer = trainer_of<shard::Zero3>(module);
  b.fill_(7);
  CHECK(at::equal(a.narrow(0, 2, 2), b));
  CHECK(at::equal(a.narrow(0, 0, 2), at::arange(8, at::kFloat).view({2, 4})));

  CHECK_THAT(make([](TensorsImpl& other, const Tensor& wide) {
               other.parameter("weight", at::randn({3}));
               other.buffer("a", wide.narrow(1, 0, 3));
               other.buffer("b", wide.narrow(1, 2, 2));
             }),
             ContainsSubstring("[ashlar.parameter.6]") && ContainsSubstring("'b' in that of 'a'"));
}

TEST_CASE("model.17: two trainers and one memory") {
  const Tensor table = at::randn({6, 4});
  Tensors one, other, apart;
  one->parameter("weight", table.narrow(0, 0, 4));
  other->parameter("weight", table.narrow(0, 3, 2));
  apart->parameter("weight", table.narrow(0, 5, 1));
  {
    auto trainer = trainer_of<shard::Replicate>(one);
    CHECK_THAT(sentence([&] { trainer_of<shard::Replicate>(other); }),
               ContainsSubstring("[ashlar.model.17]"));
    CHECK(sentence([&] { trainer_of<shard::Replicate>(apart); }) == "no error");
  }
  CHECK(sentence([&] { trainer_of<shard::Replicate>(other); }) == "no error");
}

TEST_CASE("model.13: a complex parameter is told how to become a floating one, and not to lose its half") {
  const std::string said = make(
      [](TensorsImpl& module, const Tensor&) { module.parameter("a", at::zeros({3}, at::kComplexFloat)); });
  CHECK_THAT(said, ContainsSubstring("[ashlar.model.13]") && ContainsSubstring("view_as_real"));
  CHECK_THAT(said, !ContainsSubstring("kFloat"));
}

}  // namespace
}  // namespace ashlar
