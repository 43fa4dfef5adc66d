#include <ashlar/data/windows.hpp>

#include <algorithm>
#include <bit>
#include <limits>
#include <string>

#include <ashlar/error.hpp>

namespace ashlar::data {
namespace {

// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): 64 bits in, 64 well mixed bits out.
constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

std::uint64_t permute(std::uint64_t i, std::uint64_t size, std::uint64_t key) {
  const int half = (static_cast<int>(std::bit_width(size - 1)) + 1) / 2;
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  do {
    std::uint64_t left = i >> half, right = i & mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t next = left ^ (mix(mix(key + round) ^ right) & mask);
      left = right;
      right = next;
    }
    i = left << half | right;
  } while (i >= size);
  return i;
}

Windows::Windows(std::uint64_t tokens, std::int64_t length, std::int64_t batch, std::uint64_t seed)
    : length_(static_cast<std::uint64_t>(length)), seed_(seed) {
  std::uint64_t needed = 0;
  if (__builtin_mul_overflow(static_cast<std::uint64_t>(batch), length_, &needed) ||
      __builtin_add_overflow(needed, 1, &needed))
    needed = std::numeric_limits<std::uint64_t>::max();
  if (tokens < needed)
    throw Error(
        "data.10",
        "at least " + std::to_string(needed) + " tokens for one batch of " + std::to_string(batch) +
            " sequences of " + std::to_string(length),
        std::to_string(tokens),
        "use a longer source (training and validation each have a part of it), a smaller batch or shorter "
        "sequences");
  shifts_ = std::min(length_, tokens - needed + 1);
  windows_ = (tokens - shifts_) / length_;
}

std::uint64_t Windows::start(std::int64_t sequence) const {
  const auto i = static_cast<std::uint64_t>(sequence);
  const std::uint64_t key = mix(mix(seed_) + i / windows_);
  return mix(~key) % shifts_ + permute(i % windows_, windows_, key) * length_;
}

}  // namespace ashlar::data
