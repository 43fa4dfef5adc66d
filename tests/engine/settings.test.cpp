// train.4: an optimizer's numbers lie where it can work with them, as torch::optim asks, too.
#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <string>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/solo.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/policies.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

struct Net {
  using Head = nn::Linear<6, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Head, head));
};

template <class Optimizer>
std::string refusal(Optimizer optimizer) {
  comm::Solo comm;
  return test::sentence([&] {
    Trainer<shard::Replicate, precision::Fp32, offload::None, wrap::WholeModel>::make<Net>(comm, optimizer);
  });
}

// An optimizer that says nothing of where its number may lie.
struct Own : optim::Sgd {
  double threshold = infinity;
  constexpr auto settings() const { return std::array{Setting{"threshold", threshold}}; }
};

}  // namespace

TEST_CASE("train.4: an optimizer's settings make sense") {
  for (const double beta : {1.0, 1.5, -0.1, nan}) {
    CHECK_THAT(refusal(optim::AdamW{.beta1 = beta}),
               ContainsSubstring("[ashlar.train.4]") && ContainsSubstring("beta1 of at least 0 and below 1"));
    CHECK_THAT(refusal(optim::AdamW{.beta2 = beta}), ContainsSubstring("beta2"));
  }
  for (const double number : {-1e-9, infinity, nan}) {
    CHECK_THAT(refusal(optim::AdamW{.epsilon = number}), ContainsSubstring("epsilon of at least 0"));
    CHECK_THAT(refusal(optim::AdamW{.weight_decay = number}),
               ContainsSubstring("weight_decay of at least 0"));
    CHECK_THAT(refusal(optim::Sgd{.momentum = number}), ContainsSubstring("momentum of at least 0"));
    CHECK_THAT(refusal(optim::Sgd{.weight_decay = number}), ContainsSubstring("weight_decay of at least 0"));
  }
  CHECK(refusal(optim::AdamW{.beta1 = 0, .beta2 = 0, .epsilon = 0, .weight_decay = 0}) == "no error");
  CHECK(refusal(optim::Sgd{.momentum = 0}) == "no error");
  CHECK(refusal(Own()) == "no error");
  CHECK_THAT(refusal(Own{{}, nan}), ContainsSubstring("threshold"));
}

}  // namespace ashlar
