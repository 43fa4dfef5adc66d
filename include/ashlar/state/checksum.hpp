// Checksum: XXH64 with seed 0, of any number of pieces; as fast as memory is read, and what `xxhsum -H64`
// prints. Detects damage, not malice. Source: github.com/Cyan4973/xxHash, doc/xxhash_spec.md.
#pragma once

#include <ashlar/cxx20.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace ashlar::state {

class Checksum {
 public:
  void update(std::span<const std::byte> piece);
  std::uint64_t value() const;
  std::string hex() const;  // 16 digits

 private:
  static constexpr std::uint64_t p1 = 0x9e3779b185ebca87, p2 = 0xc2b2ae3d27d4eb4f;
  std::array<std::uint64_t, 4> lanes_{p1 + p2, p2, 0, 0 - p1};
  std::array<std::byte, 32> rest_{};  // bytes that do not fill a stripe yet
  std::uint64_t size_ = 0;
};

// The checksum of one piece, in hexadecimal.
std::string checksum_of(std::span<const std::byte> whole);

}  // namespace ashlar::state
