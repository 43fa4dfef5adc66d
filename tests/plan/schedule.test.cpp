// Schedule: written out for small models, and for random ones played against a slow referee that knows only
// what must never happen.
// libtorch: no
#include <ashlar/plan/schedule.hpp>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace ashlar {
namespace {

// Units by their parents, and by the recomputed layers that they lie in.
constexpr Census units(std::initializer_list<int> parents, std::vector<int> layers = {}) {
  Census census;
  for (const int parent : parents) {
    const std::size_t u = census.units.size();
    census.units.push_back({.parent = parent, .layer = u < layers.size() ? layers[u] : -1});
  }
  return census;
}

constexpr std::vector<UnitSize> sizes(std::size_t count) {
  std::vector<UnitSize> all;
  for (std::size_t u = 0; u < count; ++u) all.push_back({.whole = 100 + static_cast<long>(u), .trained = 10});
  return all;
}

constexpr Schedule of(const Census& census, pass reshard_after, bool trains) {
  return make_schedule(census, sizes(census.units.size()), reshard_after, trains);
}

// Events as text: E enter, L leave, G lend a gradient, R reduce. A bar stands before backward.
constexpr bool reads(const Schedule& schedule, std::string_view text) {
  std::string all;
  for (std::size_t i = 0; i < schedule.events.size(); ++i) {
    if (i == schedule.forward) all += "| ";
    all += "ELGR"[static_cast<int>(schedule.events[i].kind)];
    all += static_cast<char>('0' + schedule.events[i].unit);
    if (i + 1 < schedule.events.size()) all += ' ';
  }
  return all == text;
}

// One unit: whole from its first use to its last.
static_assert(reads(of(units({-1}), pass::forward, true), "E0 | G0 R0 L0"));
static_assert(reads(of(units({-1}), pass::forward, false), "E0 L0"));

// Three layers under Zero3: each leaves after its forward but the last, of which backward begins.
constexpr Census row(int layers) {
  Census census;
  for (int u = 0; u <= layers; ++u) census.units.push_back({.parent = u == 0 ? -1 : 0});
  return census;
}
static_assert(reads(of(row(3), pass::forward, true),
                    "E0 E1 L1 E2 L2 E3 | G0 G3 R3 L3 E2 G2 R2 L2 E1 G1 R1 L1 R0 L0"));
static_assert(reads(of(row(3), pass::forward, false), "E0 E1 L1 E2 L2 E3 L3 L0"));
// Under ShardGradOp all stay, in evaluation none.
static_assert(reads(of(row(3), pass::backward, true), "E0 E1 E2 E3 | G0 G3 R3 L3 G2 R2 L2 G1 R1 L1 R0 L0"));
static_assert(reads(of(row(3), pass::backward, false), "E0 E1 L1 E2 L2 E3 L3 L0"));

// Units inside units: a parent is whole as long as its children are, and the last stays with all inside it.
static_assert(reads(of(units({-1, 0, 1, 1, 0, 4}), pass::forward, true),
                    "E0 E1 E2 L2 E3 L3 L1 E4 E5 | "
                    "G0 G4 G5 R5 L5 R4 L4 E1 G1 E3 G3 R3 L3 E2 G2 R2 L2 R1 L1 R0 L0"));

// A recomputed layer that is a unit enters once for its second forward and its backward; the units inside it
// enter in the order of that forward.
static_assert(reads(of(units({-1, 0, 1, 1, 0}, {-1, 0, 0, 0, 1}), pass::forward, true),
                    "E0 E1 E2 L2 E3 L3 L1 E4 | G0 G4 R4 L4 E1 G1 E2 E3 G3 R3 L3 G2 R2 L2 R1 L1 R0 L0"));
// A recomputed layer that is no unit, with two units in it.
static_assert(reads(of(units({-1, 0, 0, 0}, {-1, 0, 0, 1}), pass::forward, true),
                    "E0 E1 L1 E2 L2 E3 | G0 G3 R3 L3 E1 E2 G2 R2 L2 G1 R1 L1 R0 L0"));

// Prefetch: gathers start in the order of enters, each one enter ahead. Slots: the root's, one for the unit
// in use and one for the next, of the largest size that each is lent to.
constexpr bool gathers(const Schedule& schedule, std::string_view order) {
  std::string all;
  for (const Gather& gather : schedule.gathers) all += static_cast<char>('0' + gather.unit);
  return all == order;
}
static_assert(gathers(of(row(3), pass::forward, true), "012321"));
static_assert(gathers(of(row(3), pass::forward, false), "0123"));
static_assert(gathers(of(row(3), pass::backward, true), "0123"));
static_assert(of(row(3), pass::forward, true).slots == std::vector<long>{100, 103, 102});
static_assert(of(row(3), pass::backward, true).slots == std::vector<long>{100, 101, 102, 103});

constexpr bool needs(int layers, pass reshard_after, bool trains, std::size_t slots,
                     std::size_t gradient_slots) {
  const Schedule schedule = of(row(layers), reshard_after, trains);
  return schedule.slots.size() == slots && schedule.gradient_slots.size() == gradient_slots;
}
static_assert(needs(0, pass::forward, true, 1, 1) && needs(1, pass::forward, true, 2, 2));
static_assert(needs(2, pass::forward, true, 3, 3) && needs(30, pass::forward, true, 3, 3));
static_assert(needs(30, pass::backward, true, 31, 3) && needs(30, pass::backward, false, 3, 0));

// Plays a schedule and stops it at the first thing that must not happen.
class Referee {
 public:
  Referee(const Census& census, const std::vector<UnitSize>& unit_sizes, const Schedule& schedule)
      : census_(census), sizes_(unit_sizes), schedule_(schedule), units_(census.units.size()) {}

  void play(bool trains) {
    slots_.resize(schedule_.slots.size());
    gradient_slots_.resize(schedule_.gradient_slots.size());
    for (std::size_t i = 0; i < schedule_.events.size(); ++i) {
      if (i == schedule_.forward && trains)
        for (std::size_t u = 0; u < units_.size(); ++u) REQUIRE(units_[u].whole == bool(schedule_.stays[u]));
      const auto [kind, unit] = schedule_.events[i];
      INFO("event " << i << ", kind " << int(kind) << ", unit " << unit);
      REQUIRE((kind == Event::Kind::enter || kind == Event::Kind::leave || i >= schedule_.forward));
      happen(kind, unit);
    }
    CHECK(started_ == schedule_.gathers.size());
    for (std::size_t u = 0; u < units_.size(); ++u) {
      INFO("unit " << u);
      CHECK_FALSE(units_[u].whole);
      CHECK(units_[u].reduced == trains);
      CHECK(units_[u].entered == (trains && !schedule_.stays[u] ? 2 : 1));
    }
    for (std::size_t s = 0; s < slots_.size(); ++s) CHECK(schedule_.slots[s] == slots_[s].most);
    for (std::size_t s = 0; s < gradient_slots_.size(); ++s)
      CHECK(schedule_.gradient_slots[s] == gradient_slots_[s].most);
  }

 private:
  struct Unit {
    bool gathered = false, whole = false, lent = false, reduced = false;
    int entered = 0;
    std::size_t slot = 0;
  };
  struct Slot {
    bool lent = false;
    long most = 0;  // elements that it was lent for
  };

  Unit& at(int unit) { return units_.at(static_cast<std::size_t>(unit)); }
  const UnitSize& size(int unit) const { return sizes_.at(static_cast<std::size_t>(unit)); }

  // Whether every child of a unit passes.
  bool children(int unit, auto test) {
    for (std::size_t u = 0; u < units_.size(); ++u)
      if (census_.units[u].parent == unit && !test(units_[u])) return false;
    return true;
  }

  void lend(Slot& slot, long numel) {
    REQUIRE_FALSE(slot.lent);
    slot.lent = true;
    slot.most = std::max(slot.most, numel);
  }

  void happen(Event::Kind kind, int index) {
    Unit& unit = at(index);
    const int parent = census_.units[static_cast<std::size_t>(index)].parent;
    switch (kind) {
      case Event::Kind::enter:
        ++enters_;
        while (started_ < schedule_.gathers.size() && started_ <= enters_) {
          const Gather& gather = schedule_.gathers[started_++];
          REQUIRE_FALSE(at(gather.unit).gathered);
          at(gather.unit).gathered = true;
          at(gather.unit).slot = static_cast<std::size_t>(gather.slot);
          lend(slots_.at(at(gather.unit).slot), size(gather.unit).whole);
        }
        REQUIRE(unit.gathered);
        REQUIRE_FALSE(unit.whole);
        REQUIRE((parent < 0 || at(parent).whole));
        unit.whole = true;
        ++unit.entered;
        return;
      case Event::Kind::leave:
        REQUIRE(unit.whole);
        REQUIRE(children(index, [](const Unit& child) { return !child.whole; }));
        REQUIRE(unit.lent == unit.reduced);
        unit.whole = unit.gathered = false;
        slots_.at(unit.slot).lent = false;
        return;
      case Event::Kind::lend: {
        REQUIRE(unit.whole);
        REQUIRE_FALSE(unit.lent);
        REQUIRE((parent < 0 || (at(parent).lent && !at(parent).reduced)));
        // Backward is forward's mirror: a sibling declared later has been reduced.
        for (std::size_t u = static_cast<std::size_t>(index) + 1; u < units_.size(); ++u)
          if (census_.units[u].parent == parent) REQUIRE(units_[u].reduced);
        unit.lent = true;
        lend(gradient_slots_.at(gradient_slot(index)), size(index).trained);
        return;
      }
      case Event::Kind::reduce:
        REQUIRE(unit.lent);
        REQUIRE_FALSE(unit.reduced);
        REQUIRE(children(index, [](const Unit& child) { return child.reduced; }));
        unit.reduced = true;
        // One reduction may be under way: only the next one ends it.
        if (reducing_ >= 0) gradient_slots_[gradient_slot(reducing_)].lent = false;
        reducing_ = index;
        return;
    }
  }

  std::size_t gradient_slot(int unit) const {
    return static_cast<std::size_t>(schedule_.gradient_slot.at(static_cast<std::size_t>(unit)));
  }

  const Census& census_;
  const std::vector<UnitSize>& sizes_;
  const Schedule& schedule_;
  std::vector<Unit> units_;
  std::vector<Slot> slots_, gradient_slots_;
  std::size_t enters_ = 0, started_ = 0;
  int reducing_ = -1;
};

// A tree of units in the order of declaration, of which some lie in recomputed layers.
Census random_census(auto below, bool recomputes) {
  Census census;
  census.units.push_back({});
  for (int count = below(12); count > 0; --count) {
    int parent = static_cast<int>(census.units.size()) - 1;
    while (parent > 0 && below(3) > 0) parent = census.units[static_cast<std::size_t>(parent)].parent;
    const UnitSite &above = census.units[static_cast<std::size_t>(parent)], &before = census.units.back();
    int layer = above.layer;
    if (recomputes && layer < 0) {
      const bool joins = before.parent == parent && before.layer >= 0;
      if (const int choice = below(3); choice == 0)
        layer = census.layers++;
      else if (choice == 1 && joins)
        layer = before.layer;
    }
    census.units.push_back({.parent = parent, .layer = layer});
  }
  return census;
}

TEST_CASE("no schedule lends a slot twice, computes with a unit that is not whole, or forgets one") {
  std::mt19937 random(1);
  auto below = [&](unsigned n) { return static_cast<int>(random() % n); };
  std::size_t nested = 0, recomputed = 0;
  for (int round = 0; round < 600; ++round) {
    const Census census = random_census(below, round % 2 == 1);
    std::vector<UnitSize> all;
    std::string text;
    for (const UnitSite& unit : census.units) {
      all.push_back({.whole = 64L * below(9), .trained = 64L * below(9)});
      text += " " + std::to_string(unit.parent) + (unit.layer >= 0 ? "@" + std::to_string(unit.layer) : "");
      nested += unit.parent > 0;
      recomputed += unit.layer >= 0;
    }
    for (const pass reshard_after : {pass::forward, pass::backward})
      for (const bool trains : {true, false}) {
        INFO("parents" << text << ", reshard after " << int(reshard_after) << ", trains " << trains);
        const Schedule schedule = make_schedule(census, all, reshard_after, trains);
        Referee(census, all, schedule).play(trains);
      }
  }
  CHECK(nested > 500);
  CHECK(recomputed > 500);
}

}  // namespace
}  // namespace ashlar
