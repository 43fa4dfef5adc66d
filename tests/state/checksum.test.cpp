// libtorch: no
#include <ashlar/state/checksum.hpp>

#include <chrono>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

using ashlar::state::Checksum;

namespace {

std::string of(std::string_view text, std::size_t piece = 1000) {
  Checksum sum;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
    sum.update(std::as_bytes(std::span(text.substr(0, piece))));
  return sum.hex();
}

}  // namespace

TEST_CASE("the values of XXH64") {
  CHECK(of("") == "ef46db3751d8e999");
  CHECK(of("a") == "d24ec4f1a98c6e5b");
  CHECK(of("abc") == "44bc2cf5ad770999");
  CHECK(of("Nobody inspects the spammish repetition") == "fbcea83c8a378bf1");
}

TEST_CASE("pieces do not matter") {
  std::string text;
  for (int i = 0; i < 300; ++i) text.push_back(static_cast<char>(i * 7));
  for (std::size_t size = 0; size <= text.size(); ++size)
    for (const std::size_t piece : {1u, 3u, 8u, 31u, 32u, 33u, 64u, 100u})
      REQUIRE(of(text.substr(0, size), piece) == of(text.substr(0, size)));
}

TEST_CASE("every bit counts") {
  std::string text(77, 'x');
  const auto whole = of(text);
  for (std::size_t i = 0; i < text.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      text[i] = static_cast<char>(text[i] ^ (1 << bit));
      REQUIRE(of(text) != whole);
      text[i] = static_cast<char>(text[i] ^ (1 << bit));
    }
}

TEST_CASE("speed", "[.speed]") {
  const std::vector<std::byte> bytes(std::size_t{1} << 28);
  const auto start = std::chrono::steady_clock::now();
  Checksum sum;
  sum.update(bytes);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  WARN(sum.hex() << ": " << static_cast<double>(bytes.size()) / took.count() / 1e9 << " GB/s");
}
