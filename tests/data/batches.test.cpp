#include <ashlar/data/batches.hpp>

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>

#include <ashlar/data/text.hpp>
#include <ashlar/data/tokens.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

using namespace ashlar;
using Catch::Matchers::ContainsSubstring;

namespace {

// Token i of the source is i, so that a batch shows where it was cut.
struct Counting {
  std::uint64_t tokens = 9'990;
  std::uint64_t size() const { return tokens; }
  std::int64_t vocabulary() const { return static_cast<std::int64_t>(tokens); }
  void read(std::uint64_t first, std::span<std::int64_t> ids) const {
    data::detail::check_read(first, ids.size(), tokens);
    for (auto& id : ids) id = static_cast<std::int64_t>(first++);
  }
};
static_assert(data::source<Counting>);

constexpr data::BatchShape shape{.sequences = 12, .tokens = 16};

}  // namespace

TEST_CASE("targets are the inputs one further on") {
  data::Batches batches(Counting{}, shape, {}, 1);
  const auto [inputs, targets] = batches.next();
  REQUIRE(inputs.sizes() == at::IntArrayRef{12, 16});
  CHECK(inputs.scalar_type() == at::kLong);
  CHECK(at::equal(inputs.add(1), targets));
}

TEST_CASE("worlds of 1, 2 and 4 see the same global batches") {
  const data::Batches whole(Counting{}, shape, {}, 3);
  for (const int world : {2, 4})
    for (const std::int64_t step : {0, 1, 51, 52, 1000}) {  // an epoch has 51 batches and 11 sequences
      std::vector<Tensor> inputs, targets;
      for (int rank = 0; rank < world; ++rank) {
        const auto part = data::Batches(Counting{}, shape, {rank, world}, 3).at(step);
        inputs.push_back(part.inputs), targets.push_back(part.targets);
      }
      CHECK(at::equal(at::cat(inputs), whole.at(step).inputs));
      CHECK(at::equal(at::cat(targets), whole.at(step).targets));
    }
}

TEST_CASE("resuming is seeking the step, in any world") {
  data::Batches through(Counting{}, shape, {}, 5);
  for (int step = 0; step < 77; ++step) through.next();
  CHECK(through.step() == 77);
  const Tensor expected = through.next().inputs;
  for (const int world : {1, 2, 4}) {
    std::vector<Tensor> parts;
    for (int rank = 0; rank < world; ++rank) {
      data::Batches resumed(Counting{}, shape, {rank, world}, 5);
      resumed.seek(77);
      parts.push_back(resumed.next().inputs);
    }
    CHECK(at::equal(at::cat(parts), expected));
  }
}

TEST_CASE("seeds and steps give other batches, the same seed the same") {
  const data::Batches a(Counting{}, shape, {}, 1), b(Counting{}, shape, {}, 1), c(Counting{}, shape, {}, 2);
  CHECK(at::equal(a.at(9).inputs, b.at(9).inputs));
  CHECK_FALSE(at::equal(a.at(9).inputs, a.at(10).inputs));
  CHECK_FALSE(at::equal(a.at(9).inputs, c.at(9).inputs));
  CHECK(a.steps_an_epoch() == 51);  // 623 windows, 12 a step
  CHECK(a.tokens_a_step() == 192);
}

TEST_CASE("the first batches are fixed for good, or saved runs would resume elsewhere") {
  const data::Batches batches(Counting{}, {.sequences = 4, .tokens = 16}, {}, 1234);
  std::vector<std::int64_t> starts;
  for (const std::int64_t step : {0, 155, 156})
    for (int row = 0; row < 4; ++row) starts.push_back(batches.at(step).inputs[row][0].item<std::int64_t>());
  CHECK(starts ==
        std::vector<std::int64_t>{1037, 6157, 6973, 1549, 6925, 6285, 2845, 858, 7946, 42, 2010, 6794});
}

TEST_CASE("text and token files make the same batches of the same ids") {
  const test::TemporaryDirectory dir;
  std::string text;
  std::vector<std::uint16_t> ids;
  for (int i = 0; i < 999; ++i) text.push_back(static_cast<char>('a' + i * i % 26));
  for (const char c : text) ids.push_back(static_cast<std::uint16_t>(c));
  const data::Text a(test::write(dir / "a.txt", text));
  const data::Tokens b(test::write(dir / "a.bin", test::bytes_of(ids)), 256);
  const auto first = data::Batches(data::split(a).train, shape, {1, 2}, 1).at(3);
  const auto second = data::Batches(data::split(b).train, shape, {1, 2}, 1).at(3);
  CHECK(at::equal(first.inputs, second.inputs));
  CHECK(at::equal(first.targets, second.targets));
}

TEST_CASE("a batch that the ranks cannot share names the nearest that they can") {
  const auto making = [](data::BatchShape with, int world, std::uint64_t tokens = 9'990) {
    return test::sentence([&] { data::Batches(Counting{tokens}, with, {0, world}, 1); });
  };
  CHECK(making({32, 16}, 3) ==
        "[ashlar.data.11] expected a batch that 3 ranks times 1 micro-batches divide, got 32 sequences: use "
        "30 or 33");
  CHECK_THAT(making({32, 16, 3}, 2),
             ContainsSubstring("2 ranks times 3 micro-batches") && ContainsSubstring("30 or 36"));
  CHECK_THAT(making({1, 16}, 2), ContainsSubstring("got 1 sequences: use 2"));
  CHECK_THAT(making({0, 16}, 2), ContainsSubstring("[ashlar.data.12]"));
  CHECK_THAT(making({4, 0}, 2), ContainsSubstring("[ashlar.data.12]"));
  CHECK_THAT(making({4, 16}, 2, 64),
             ContainsSubstring("[ashlar.data.10]") && ContainsSubstring("at least 65 tokens"));
  CHECK(making({4, 16}, 2, 65) == "no error");
}
