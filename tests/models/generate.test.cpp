#include <ashlar/models/generate.hpp>

#include <ATen/ATen.h>

#include <limits>
#include <map>

#include "support/catch.hpp"

namespace ashlar::models {
namespace {

// Says that byte b is followed by b + 1, by a margin of `certainty`.
auto counting(float certainty) {
  return [certainty](const at::Tensor& ids) {
    return at::one_hot((ids + 1) % 256, 256).to(at::kFloat) * certainty;
  };
}

std::map<std::int64_t, int> frequencies(const at::Tensor& logits, const Sampling& sampling, int draws) {
  std::mt19937_64 random(1);
  std::map<std::int64_t, int> count;
  for (int i = 0; i < draws; ++i) ++count[sample(logits, sampling, random)];
  return count;
}

TEST_CASE("generate continues a prompt with what the model says") {
  CHECK(generate(counting(1), "a", {.tokens = 5, .temperature = 0}) == "abcdef");
  CHECK(generate(counting(100), "xa", {.tokens = 3}) == "xabcd");
  CHECK(generate(counting(100), "", {.tokens = 2, .temperature = 0}) == "\n\x0b\x0c");
  CHECK(generate(counting(1), "a", {.tokens = 0}) == "a");
}

TEST_CASE("the model is shown no more than its context") {
  long longest = 0;
  generate(
      [&](const at::Tensor& ids) {
        longest = std::max(longest, ids.size(1));
        CHECK_FALSE(at::GradMode::is_enabled());
        return counting(1)(ids);
      },
      "abcdefgh", {.tokens = 9, .context = 4});
  CHECK(longest == 4);
}

TEST_CASE("a seed decides the text") {
  const auto text = [](std::uint64_t seed) {
    return generate(counting(1), "a", {.tokens = 40, .seed = seed});
  };
  CHECK(text(1) == text(1));
  CHECK(text(1) != text(2));
}

TEST_CASE("sample draws as often as softmax says") {
  const at::Tensor logits = at::tensor({0.6, 0.3, 0.1}).log();
  const auto plain = frequencies(logits, {.temperature = 1, .top_k = 0}, 20'000);  // deviation below 0.004
  CHECK(plain.at(0) / 20'000. == Catch::Approx(0.6).margin(0.015));
  CHECK(plain.at(2) / 20'000. == Catch::Approx(0.1).margin(0.015));
  const auto cold = frequencies(logits, {.temperature = 0.5, .top_k = 0}, 20'000);  // 0.36 : 0.09 : 0.01
  CHECK(cold.at(0) / 20'000. == Catch::Approx(0.783).margin(0.015));
  const auto two = frequencies(logits, {.temperature = 1, .top_k = 2}, 20'000);  // 0.6 : 0.3
  CHECK(two.size() == 2);
  CHECK(two.at(1) / 20'000. == Catch::Approx(1. / 3).margin(0.015));
}

TEST_CASE("what cannot be sampled is refused") {
  std::mt19937_64 random(1);
  CHECK_THROWS_WITH(sample(at::tensor({0.0, std::numeric_limits<double>::quiet_NaN()}), {}, random),
                    Catch::Matchers::ContainsSubstring("[ashlar.models.1]"));
  CHECK_THROWS_WITH(generate_ids(counting(1), {}), Catch::Matchers::ContainsSubstring("[ashlar.models.2]"));
  const auto wide = [](const at::Tensor& ids) { return at::one_hot(ids * 0 + 300, 301).to(at::kFloat); };
  CHECK_THROWS_WITH(generate(wide, "a", {.temperature = 0}),
                    Catch::Matchers::ContainsSubstring("[ashlar.models.3]"));
}

}  // namespace
}  // namespace ashlar::models
