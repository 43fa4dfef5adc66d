// Layout against a slow reference: a flat painted element by element, with no arithmetic on offsets.
// libtorch: no
#include <ashlar/plan/layout.hpp>
#include <ashlar/plan/units.hpp>

#include <random>
#include <vector>

#include "support/catch.hpp"

namespace ashlar {
namespace {

constexpr Piece piece(std::string_view name, long numel, bool decays) {
  return {.name = name, .numel = numel, .decays = decays};
}

// Constants first. A matrix of 3x5, a bias of 5 and a matrix of 8x8 over 3 ranks: the matrices come first.
constexpr std::vector<Piece> small() {
  return {piece("matrix", 15, true), piece("bias", 5, false), piece("square", 64, true)};
}
static_assert(Layout(small(), 3).pieces[0].offset == 0);
static_assert(Layout(small(), 3).pieces[1].offset == 128);
static_assert(Layout(small(), 3).pieces[2].offset == 64);
static_assert(Layout(small(), 3).decaying == 128);
static_assert(Layout(small(), 3).shard == 64 && Layout(small(), 3).numel == 192);
static_assert(Layout(small(), 1).shard == 192 && Layout(small(), 1).numel == 192);
static_assert(Layout(small(), 2).shard == 128 && Layout(small(), 2).numel == 256);
static_assert(Layout(small(), 5).shard == 64 && Layout(small(), 5).numel == 320);
static_assert(Layout(small(), 2).gaps.size() == 3, "behind matrix, behind bias, and to the end of the flat");
static_assert(Layout().empty() && Layout({}, 7).empty() && Layout({}, 7).numel == 0);

// The reference: each element's owner, -1 where there is none.
std::vector<int> paint(const std::vector<Piece>& pieces, int world, long& decaying) {
  std::vector<int> flat;
  auto pad_to = [&](std::size_t multiple) {
    while (flat.size() % multiple != 0) flat.push_back(-1);
  };
  for (const bool decays : {true, false}) {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (pieces[i].decays != decays) continue;
      flat.insert(flat.end(), static_cast<std::size_t>(pieces[i].numel), static_cast<int>(i));
      pad_to(64);
    }
    if (decays) decaying = static_cast<long>(flat.size());
  }
  pad_to(64 * static_cast<std::size_t>(world));
  return flat;
}

void compare(const std::vector<Piece>& pieces, int world) {
  const Layout layout(pieces, world);
  long decaying = 0;
  const std::vector<int> painted = paint(pieces, world, decaying);
  REQUIRE(layout.numel == static_cast<long>(painted.size()));
  CHECK(layout.shard * world == layout.numel);
  CHECK(layout.shard % 64 == 0);
  CHECK(layout.decaying == decaying);

  std::vector<int> got(painted.size(), -2);  // nobody has said anything of it
  auto claim = [&](long offset, long numel, int owner) {
    for (long i = offset; i < offset + numel; ++i) {
      REQUIRE(got.at(static_cast<std::size_t>(i)) == -2);
      got[static_cast<std::size_t>(i)] = owner;
    }
  };
  REQUIRE(layout.pieces.size() == pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Piece& piece = layout.pieces[i];
    CHECK(piece.name.view() == pieces[i].name.view());
    CHECK(piece.numel == pieces[i].numel);
    claim(piece.offset, piece.numel, static_cast<int>(i));
  }
  for (const Gap& gap : layout.gaps) {
    CHECK(gap.numel > 0);
    claim(gap.offset, gap.numel, -1);
  }
  CHECK((got == painted));
}

TEST_CASE("pieces and gaps cover a flat once, wherever the reference puts them") {
  std::mt19937 random(1);
  auto below = [&](unsigned n) { return static_cast<long>(random() % n); };
  for (int round = 0; round < 200; ++round) {
    std::vector<Piece> pieces;
    for (long count = below(7); count > 0; --count)
      pieces.push_back(
          piece(std::to_string(count), below(4) == 0 ? 64 * (1 + below(3)) : 1 + below(300), below(2) == 0));
    const int world = 1 + static_cast<int>(below(9));
    INFO("round " << round << ", world " << world);
    compare(pieces, world);
  }
}

TEST_CASE("a world much larger than the flat pads each rank's shard to one alignment") {
  compare({piece("bias", 3, false)}, 100);
  CHECK(Layout({piece("bias", 3, false)}, 100).shard == 64);
}

TEST_CASE("each unit gets its own parameters, trained and frozen apart, in the order of declaration") {
  Census census;
  census.units = {{}, {.name = Name("layers.0"), .parent = 0}, {.name = Name("layers.1"), .parent = 0}};
  auto add = [&](std::string_view name, long numel, bool decays, bool trained, int unit) {
    census.parameters.push_back({name, numel, decays, trained, unit});
  };
  add("own", 3, false, true, 0);
  add("layers.0.a", 10, true, true, 1);
  add("layers.0.b", 20, true, false, 1);
  add("layers.0.c", 30, false, true, 1);
  add("layers.1.a", 40, true, false, 2);
  const std::vector<UnitLayout> units = lay_out(census, 2);
  auto names = [](const Layout& layout) {
    std::string all;
    for (const Piece& piece : layout.pieces) all += std::string(piece.name.view()) + " ";
    return all;
  };
  REQUIRE(units.size() == 3);
  CHECK(units[1].name.view() == "layers.0");
  CHECK(names(units[0].trained) == "own ");
  CHECK(units[0].frozen.empty());
  CHECK(names(units[1].trained) == "layers.0.a layers.0.c ");
  CHECK(names(units[1].frozen) == "layers.0.b ");
  CHECK(units[2].trained.empty());
  CHECK(names(units[2].frozen) == "layers.1.a ");
  CHECK(units[1].trained.pieces[1].offset == 64);
  CHECK(units[1].trained.decaying == 64);
}

}  // namespace
}  // namespace ashlar
