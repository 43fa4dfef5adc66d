// Layout: where each parameter of a unit lies in its flat, and which part of the flat is each rank's shard.
#pragma once

#include <algorithm>
#include <vector>

#include <ashlar/model/visit.hpp>

namespace ashlar {

// Every parameter and every shard starts at a multiple of so many elements: 128 bytes in bfloat16, 256 in
// float32. Matrix kernels keep their fast paths, and NCCL its 16-byte copies, whatever the shapes and the
// world size.
inline constexpr long alignment = 64;

constexpr long align(long numel) {
  return (numel + alignment - 1) / alignment * alignment;
}

// One parameter's place in a flat.
struct Piece {
  Name name{};
  long numel = 0;
  bool decays = false;  // weight decay applies: two or more dimensions
  long offset = 0;      // elements from the start of the flat
};

// Elements between pieces, or after the last: zero in every flat.
struct Gap {
  long offset = 0;
  long numel = 0;
};

// Decaying parameters come first, so that a shard meets at most two kinds of elements, each contiguous.
struct Layout {
  std::vector<Piece> pieces{};
  std::vector<Gap> gaps{};
  long decaying = 0;  // elements before the first that does not decay
  long numel = 0;     // of the flat, padded: world * shard
  long shard = 0;     // elements of each rank's part

  constexpr Layout() = default;

  constexpr Layout(std::vector<Piece> parameters, int world) : pieces(std::move(parameters)) {
    long end = 0;
    for (const bool decays : {true, false}) {
      for (Piece& piece : pieces) {
        if (piece.decays != decays) continue;
        piece.offset = end;
        end += align(piece.numel);
        add_gap(piece.offset + piece.numel, end);
      }
      if (decays) decaying = end;
    }
    shard = align((end + world - 1) / world);
    numel = shard * world;
    add_gap(end, numel);
  }

  constexpr bool empty() const { return pieces.empty(); }

 private:
  constexpr void add_gap(long begin, long end) {
    if (begin < end) gaps.push_back({begin, end - begin});
  }
};

}  // namespace ashlar
