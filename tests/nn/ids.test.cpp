// What embedding and cross-entropy say of ids and targets that they cannot take.
#include <ashlar/nn/ops.hpp>

#include <ATen/ATen.h>

#include <string>

#include "data/temporary.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;
using test::sentence;

const Tensor ids = at::arange(6).view({2, 3});

std::string embedding(const Tensor& of) {
  const Tensor weight = at::ones({6, 4});
  return sentence([&] { ops::embedding(of, nn::AnyParameter{{}, &weight}); });
}

std::string cross_entropy(const Tensor& targets) {
  const Tensor weight = at::ones({6, 4}), x = at::ones({2, 3, 4});
  const nn::AnyParameter head{{}, &weight};
  const std::string plain = sentence([&] { ops::cross_entropy(ops::linear(x, head), targets); });
  CHECK(sentence([&] { ops::linear_cross_entropy(x, head, targets); }) == plain);
  return plain;
}

}  // namespace

TEST_CASE("nn.7: ids and targets are whole numbers") {
  for (const auto type : {at::kFloat, at::kBool, at::kBFloat16}) {
    CHECK_THAT(embedding(ids.to(type)), ContainsSubstring("[ashlar.nn.7]") && ContainsSubstring("ids"));
    CHECK_THAT(cross_entropy(ids.to(type)),
               ContainsSubstring("[ashlar.nn.7]") && ContainsSubstring("targets"));
  }
  for (const auto type : {at::kLong, at::kInt, at::kShort, at::kByte}) {
    CHECK(embedding(ids.to(type)) == "no error");
    CHECK(cross_entropy(ids.to(type)) == "no error");
  }
}

TEST_CASE("nn.8: ids and targets are below the number of words") {
  for (const long beyond : {-100L, -1L, 6L}) {
    const Tensor with = ids.clone().index_put_({at::tensor(1), at::tensor(0)}, at::tensor(beyond));
    CHECK_THAT(embedding(with), ContainsSubstring("[ashlar.nn.8]") && ContainsSubstring("0 to 5") &&
                                    ContainsSubstring(std::to_string(beyond)));
    CHECK_THAT(cross_entropy(with), ContainsSubstring("[ashlar.nn.8]") && ContainsSubstring("0 to 5") &&
                                        ContainsSubstring(std::to_string(beyond)));
  }
}

TEST_CASE("nn.9: every position has a target") {
  CHECK_THAT(cross_entropy(ids.narrow(1, 0, 2)),
             ContainsSubstring("[ashlar.nn.9]") && ContainsSubstring("6") && ContainsSubstring("4"));
  CHECK_THAT(cross_entropy(Tensor()), ContainsSubstring("[ashlar.nn.9]"));
}

TEST_CASE("positions of ids of any type are whole numbers") {
  for (const auto type : {at::kLong, at::kInt, at::kByte})
    CHECK(ops::positions(ids.to(type), 8).equal(at::arange(3)));
}

}  // namespace ashlar
