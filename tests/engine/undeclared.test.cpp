// What a class with constructors does not declare: the compiler does not see it, and a step refuses it.
#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <boost/hana/define_struct.hpp>
#include <memory>
#include <vector>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/solo.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/policies.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;
using test::sentence;

using Layer = nn::Linear<4, 4>;
template <class Shard>
using Strategy = Trainer<Shard, precision::Fp32, offload::None, wrap::WholeModel>;

template <class Member>
struct Net {
  Net() {}
  explicit Net(Member undeclared) : more(std::move(undeclared)) {}
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
  Member more;

  Tensor loss(auto& run, const Tensor& x, const Tensor&) const {
    if constexpr (requires { more[0]; })
      return run(more[0], run(layer, x)).mean();
    else
      return run(more, run(layer, x)).mean();
  }
};

// What the first step says, after which no parameter has changed.
template <class Member>
std::string first_step(Net<Member> net) {
  const auto under = [&]<class Shard>() {
    comm::Solo comm;
    auto trainer = Strategy<Shard>::make(net, comm, optim::Sgd{});
    const auto before = trainer.full_parameters();
    const Tensor x = at::ones({2, 4});
    const std::string said = sentence([&] { trainer.step(x, x); });
    const auto after = trainer.full_parameters();
    for (size_t i = 0; i < before.size(); ++i)
      if (said != "no error") CHECK(at::equal(before[i].value, after[i].value));
    return said;
  };
  const std::string said = under.template operator()<shard::Replicate>();
  CHECK(said == under.template operator()<shard::Zero3>());
  return said;
}

TEST_CASE("model.12: a layer that is not declared is run") {
  CHECK_THAT(first_step(Net<Layer>()), ContainsSubstring("[ashlar.model.12]"));
  CHECK_THAT(first_step(Net<std::vector<Layer>>(std::vector<Layer>(1))),
             ContainsSubstring("[ashlar.model.12]"));
}

TEST_CASE("model.40: a torch module that is not declared is run") {
  CHECK_THAT(first_step(Net(torch::nn::Linear(4, 4))),
             ContainsSubstring("[ashlar.model.40]") && ContainsSubstring("'weight'"));
  CHECK_THAT(first_step(Net(std::make_shared<torch::nn::LinearImpl>(4, 4))),
             ContainsSubstring("[ashlar.model.40]"));
  CHECK_THAT(first_step(Net(std::vector{torch::nn::Linear(4, 4)})), ContainsSubstring("[ashlar.model.40]"));
}

TEST_CASE("A torch module runs undeclared where nothing trains it, or another trainer does") {
  const torch::nn::Linear teacher(4, 4);
  for (auto& parameter : teacher->parameters()) parameter.requires_grad_(false);
  CHECK(first_step(Net(teacher)) == "no error");

  torch::nn::Linear critic(4, 4);
  comm::Solo comm;
  auto trainer = Strategy<shard::Replicate>::make(critic, comm, optim::Sgd{});
  CHECK(first_step(Net(critic)) == "no error");
}

// A part of a module that is declared.
struct Parts {
  using Both = torch::nn::Sequential;
  BOOST_HANA_DEFINE_STRUCT(Parts, (Both, both));
  Tensor loss(auto& run, const Tensor& x, const Tensor&) const {
    return run(std::dynamic_pointer_cast<torch::nn::LinearImpl>(both->ptr(0)), x).mean();
  }
};

TEST_CASE("A part of a declared torch module runs") {
  comm::Solo comm;
  auto trainer = Strategy<shard::Replicate>::make(Parts{torch::nn::Sequential(torch::nn::Linear(4, 4))}, comm,
                                                  optim::Sgd{});
  const Tensor x = at::ones({2, 4});
  CHECK(sentence([&] { trainer.step(x, x); }) == "no error");
}

}  // namespace
}  // namespace ashlar
