#include <ashlar/state/checksum.hpp>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>

namespace ashlar::state {
namespace {

static_assert(std::endian::native == std::endian::little, "XXH64 reads little-endian words");

constexpr std::uint64_t p1 = 0x9e3779b185ebca87, p2 = 0xc2b2ae3d27d4eb4f, p3 = 0x165667b19e3779f9,
                        p4 = 0x85ebca77c2b2ae63, p5 = 0x27d4eb2f165667c5;

template <class Word>
std::uint64_t word(const std::byte* at) {
  Word value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::uint64_t round(std::uint64_t lane, std::uint64_t input) {
  return std::rotl(lane + input * p2, 31) * p1;
}

// Whole stripes of 32 bytes, four independent lanes.
void stripes(std::array<std::uint64_t, 4>& lanes, const std::byte* at, std::size_t count) {
  auto [a, b, c, d] = lanes;
  for (; count > 0; --count, at += 32) {
    a = round(a, word<std::uint64_t>(at));
    b = round(b, word<std::uint64_t>(at + 8));
    c = round(c, word<std::uint64_t>(at + 16));
    d = round(d, word<std::uint64_t>(at + 24));
  }
  lanes = {a, b, c, d};
}

}  // namespace

void Checksum::update(std::span<const std::byte> piece) {
  if (piece.empty()) return;
  const std::size_t held = size_ % 32;
  size_ += piece.size();
  if (held > 0) {
    const std::size_t taken = std::min(32 - held, piece.size());
    std::memcpy(rest_.data() + held, piece.data(), taken);
    piece = piece.subspan(taken);
    if (held + taken < 32) return;
    stripes(lanes_, rest_.data(), 1);
  }
  stripes(lanes_, piece.data(), piece.size() / 32);
  const auto left = piece.subspan(piece.size() / 32 * 32);
  if (!left.empty()) std::memcpy(rest_.data(), left.data(), left.size());
}

std::uint64_t Checksum::value() const {
  std::uint64_t h = p5;
  if (size_ >= 32) {
    h = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) +
        std::rotl(lanes_[3], 18);
    for (const std::uint64_t lane : lanes_) h = (h ^ round(0, lane)) * p1 + p4;
  }
  h += size_;
  const std::byte* at = rest_.data();
  std::size_t left = size_ % 32;
  for (; left >= 8; left -= 8, at += 8) h = std::rotl(h ^ round(0, word<std::uint64_t>(at)), 27) * p1 + p4;
  for (; left >= 4; left -= 4, at += 4) h = std::rotl(h ^ (word<std::uint32_t>(at) * p1), 23) * p2 + p3;
  for (; left > 0; --left, ++at) h = std::rotl(h ^ (word<std::uint8_t>(at) * p5), 11) * p1;
  h = (h ^ (h >> 33)) * p2;
  h = (h ^ (h >> 29)) * p3;
  return h ^ (h >> 32);
}

std::string Checksum::hex() const {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value()));
  return text;
}

std::string checksum_of(std::span<const std::byte> whole) {
  Checksum sum;
  sum.update(whole);
  return sum.hex();
}

}  // namespace ashlar::state
