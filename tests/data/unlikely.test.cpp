// libtorch: no
// Sizes and files that are wrong in a way that arithmetic, or a pair of ids, would hide.
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include <ashlar/data/tokens.hpp>
#include <ashlar/data/windows.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

using namespace ashlar;
using Catch::Matchers::ContainsSubstring;

namespace {

template <class Id>
std::string opening(const std::vector<Id>& ids, std::int64_t vocabulary) {
  const test::TemporaryDirectory dir;
  return test::sentence([&] { data::Tokens(test::write(dir / "a.bin", test::bytes_of(ids)), vocabulary); });
}

}  // namespace

TEST_CASE("a batch whose tokens no number counts is more than a text has") {
  for (const std::int64_t batch : {std::int64_t{1} << 62, std::numeric_limits<std::int64_t>::max()})
    for (const std::int64_t length : {std::int64_t{4}, std::int64_t{64}, std::int64_t{1} << 62})
      CHECK_THAT(test::sentence([&] { data::Windows(1'000'000, length, batch, 1); }),
                 ContainsSubstring("[ashlar.data.10]") && ContainsSubstring("got 1000000"));
}

TEST_CASE("wider ids without a header are not read as uint16") {
  std::vector<std::uint16_t> narrow(1000);
  std::iota(narrow.begin(), narrow.end(), std::uint16_t{0});
  const auto refused = ContainsSubstring("got what looks like ids of uint32 or wider");
  CHECK_THAT(opening(std::vector<std::uint32_t>(narrow.begin(), narrow.end()), 50257), refused);
  CHECK_THAT(opening(std::vector<std::uint64_t>(narrow.begin(), narrow.end()), 50257), refused);
  std::vector<std::uint32_t> large(1000);  // some above 65,535, of a vocabulary that has them
  for (std::uint32_t i = 0; i < large.size(); ++i) large[i] = 128 * i;
  CHECK_THAT(opening(large, 128256), refused);

  CHECK(opening(narrow, 50257) == "no error");
  CHECK(opening(std::vector<std::uint16_t>(1000, 0), 50257) == "no error");
  std::vector<std::uint16_t> bits(1000);  // a vocabulary of two
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = i % 3 == 0;
  CHECK(opening(bits, 2) == "no error");
}
