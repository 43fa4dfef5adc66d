// Numbers of a batch that arithmetic cannot hold: the sentence is that of any that does not divide.
#include <ashlar/data/batches.hpp>

#include <cstdint>
#include <limits>

#include "data/temporary.hpp"
#include "support/catch.hpp"

namespace ashlar::data {

using Catch::Matchers::ContainsSubstring;
using test::sentence;

TEST_CASE("data.11: ranks times micro-batches beyond 63 bits") {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  const auto refusal = [](const BatchShape& shape, int world) {
    return sentence([&] { detail::sequences_a_rank(shape, {0, world}); });
  };
  // 4 times this is 4 in 64 bits, which divides 8.
  const std::int64_t wraps = (std::int64_t{1} << 62) + 1;
  CHECK_THAT(refusal({.sequences = 8, .tokens = 1, .micro_batches = wraps}, 4),
             ContainsSubstring("[ashlar.data.11]") && ContainsSubstring("use fewer micro-batches"));
  CHECK_THAT(refusal({.sequences = 8, .tokens = 1, .micro_batches = most}, 2),
             ContainsSubstring("[ashlar.data.11]") && ContainsSubstring("use fewer micro-batches"));
  // The next batch that would divide is beyond, too.
  CHECK_THAT(refusal({.sequences = most, .tokens = 1, .micro_batches = wraps}, 1),
             ContainsSubstring("[ashlar.data.11]") && ContainsSubstring("use " + std::to_string(wraps)) &&
                 !ContainsSubstring(" or "));
  CHECK(detail::sequences_a_rank({.sequences = most, .tokens = 1, .micro_batches = most}, {0, 1}) == most);
}

}  // namespace ashlar::data
