// Windows: which tokens the i-th sequence of a run is, as a pure function of (seed, i).
//
// An epoch cuts the source into windows of `length` tokens side by side and visits each once, in a random
// order that is computed and never stored. Every epoch shifts the cuts and draws a new order. Because nothing
// depends on what was drawn before, a position in the data is one number, and every rank of every world size
// sees the same sequences.
#pragma once

#include <cstdint>

namespace ashlar::data {

// A bijection of [0, size) for each key: four rounds of a Feistel network over the next power of four, walked
// until it falls into the range (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002). i < size,
// size > 0.
std::uint64_t permute(std::uint64_t i, std::uint64_t size, std::uint64_t key);

class Windows {
 public:
  // A window is `length` inputs and one token more, its last target. The source must hold `batch` windows:
  // [ashlar.data.10] names the tokens needed and found.
  Windows(std::uint64_t tokens, std::int64_t length, std::int64_t batch, std::uint64_t seed);

  std::int64_t an_epoch() const { return static_cast<std::int64_t>(windows_); }

  // First token of the i-th sequence of the run; i counts on through all epochs.
  std::uint64_t start(std::int64_t i) const;

 private:
  std::uint64_t length_;
  std::uint64_t seed_;
  std::uint64_t shifts_;   // an epoch's cuts begin at a token in [0, shifts_)
  std::uint64_t windows_;  // the same in every epoch, so that i / windows_ is the epoch
};

}  // namespace ashlar::data
