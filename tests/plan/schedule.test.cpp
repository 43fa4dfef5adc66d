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

constexpr Schedule of(const Census& census, pass reshard_after, bool trains, int prefetch = 1) {
  return make_schedule(census, sizes(census.units.size()), reshard_after, prefetch, trains);
}

// Events as text: E enter, L leave, G lend a gradient, R reduce. A bar stands before backward.
constexpr bool reads(const Schedule& schedule, std::string_view text) {
  Name all;  // clang 16 has no constant std::string with g++ 12's library
  for (std::size_t i = 0; i < schedule.events.size(); ++i) {
    if (i == schedule.forward) all.append("| ");
    const char event[] = {"ELGR"[static_cast<int>(schedule.events[i].kind)],
                          static_cast<char>('0' + schedule.events[i].unit), ' '};
    all.append({event, i + 1 < schedule.events.size() ? 3U : 2U});
  }
  return all.view() == text;
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

// Prefetch: gathers start in the order of enters, by default each one enter ahead. As text: the gathers that
// start at each enter; a unit that has not left since its forward is waited for.
constexpr bool gathers(const Schedule& schedule, std::string_view due) {
  Name all;
  std::size_t started = 0;
  for (std::size_t e = 0; e < schedule.events.size(); ++e) {
    if (schedule.events[e].kind != Event::Kind::enter) continue;
    if (e > 0) all.append(" ");
    while (started < schedule.gathers.size() && schedule.gathers[started].event == e) {
      const char unit = static_cast<char>('0' + schedule.gathers[started++].unit);
      all.append({&unit, 1});
    }
  }
  return all.view() == due && started == schedule.gathers.size();
}
static_assert(gathers(of(row(3), pass::forward, true), "01 2 3 2 1 "));
static_assert(gathers(of(row(3), pass::forward, false), "01 2 3 "));
static_assert(gathers(of(row(3), pass::backward, true), "01 2 3 "));
static_assert(gathers(of(row(3), pass::forward, true, 0), "0 1 2 3 2 1"));
static_assert(gathers(of(row(3), pass::forward, true, 2), "012 3  21  "));
static_assert(gathers(of(row(5), pass::forward, true, 2), "012 3 4 5  43 2 1  "));
static_assert(gathers(of(row(3), pass::forward, true, 9), "0123   21  "));

// Slots: the root's, and room for the unit in use and the next.
static_assert(of(row(3), pass::forward, true).slots == 100 + 103 + 102);
static_assert(of(row(3), pass::backward, true).slots == 100 + 101 + 102 + 103);

// In units of one size.
constexpr bool needs(int layers, pass reshard_after, bool trains, long slots, long gradient_slots,
                     int prefetch = 1) {
  const Census census = row(layers);
  const std::vector<UnitSize> same(census.units.size(), {.whole = 7, .trained = 5});
  const Schedule schedule = make_schedule(census, same, reshard_after, prefetch, trains);
  return schedule.slots == 7 * slots && schedule.gradient_slots == 5 * gradient_slots;
}
static_assert(needs(0, pass::forward, true, 1, 1) && needs(1, pass::forward, true, 2, 2));
static_assert(needs(2, pass::forward, true, 3, 3) && needs(30, pass::forward, true, 3, 3));
static_assert(needs(30, pass::backward, true, 31, 3) && needs(30, pass::backward, false, 3, 0));
static_assert(needs(30, pass::forward, true, 2, 3, 0) && needs(30, pass::forward, true, 4, 3, 2));

// A large unit before and after small ones, as an embedding and a head are: its place serves two of theirs.
constexpr Schedule between(int layers) {
  const Census census = row(layers + 2);
  std::vector<UnitSize> all(census.units.size(), {.whole = 20, .trained = 20});
  all[0] = {};
  all[1] = all.back() = {.whole = 48, .trained = 48};
  return make_schedule(census, all, pass::forward, 1, true);
}
static_assert(between(30).slots == 48 + 20 && between(31).slots == 48 + 20);
static_assert(between(30).gradient_slots == 48 + 20 && between(31).gradient_slots == 48 + 20);

// Plays a schedule and stops it at the first thing that must not happen.
class Referee {
 public:
  Referee(const Census& census, const std::vector<UnitSize>& unit_sizes, const Schedule& schedule)
      : census_(census), sizes_(unit_sizes), schedule_(schedule), units_(census.units.size()) {}

  void play(int prefetch, bool trains) {
    prefetch_ = static_cast<std::size_t>(prefetch);
    for (const Event& event : schedule_.events)
      if (event.kind == Event::Kind::enter) order_.push_back(event.unit);
    for (std::size_t i = 0; i < schedule_.events.size(); ++i) {
      if (i == schedule_.forward && trains)
        for (std::size_t u = 0; u < units_.size(); ++u) REQUIRE(units_[u].whole == bool(schedule_.stays[u]));
      const auto [kind, unit] = schedule_.events[i];
      INFO("event " << i << ", kind " << int(kind) << ", unit " << unit);
      REQUIRE((kind == Event::Kind::enter || kind == Event::Kind::leave || i >= schedule_.forward));
      happen(i, kind, unit);
    }
    CHECK(started_ == schedule_.gathers.size());
    for (std::size_t u = 0; u < units_.size(); ++u) {
      INFO("unit " << u);
      CHECK_FALSE(units_[u].whole);
      CHECK(units_[u].reduced == trains);
      CHECK(units_[u].entered == (trains && !schedule_.stays[u] ? 2 : 1));
    }
    CHECK(whole_.end == schedule_.slots);
    CHECK(gradients_.end == schedule_.gradient_slots);
  }

  // Of elements that are lent at once, for what the schedule asks for more.
  long least() const { return whole_.most + gradients_.most; }

 private:
  struct Unit {
    bool gathered = false, whole = false, lent = false, reduced = false;
    int entered = 0;
    long slot = 0;
  };
  // Memory of which parts are lent.
  struct Memory {
    std::vector<std::pair<long, long>> lent{};  // [begin, end)
    long now = 0, most = 0;                     // elements at once
    long end = 0;                               // of the highest part

    void lend(long begin, long numel) {
      REQUIRE(begin >= 0);
      for (const auto& [b, e] : lent) REQUIRE((begin + numel <= b || e <= begin));
      if (numel == 0) return;
      lent.emplace_back(begin, begin + numel);
      end = std::max(end, begin + numel);
      most = std::max(most, now += numel);
    }
    void take_back(long begin, long numel) {
      if (numel == 0) return;
      now -= numel;
      REQUIRE(std::erase(lent, std::pair(begin, begin + numel)) == 1);
    }
  };

  Unit& at(int unit) { return units_.at(static_cast<std::size_t>(unit)); }
  const UnitSize& size(int unit) const { return sizes_.at(static_cast<std::size_t>(unit)); }

  // Whether every child of a unit passes.
  bool children(int unit, auto test) {
    for (std::size_t u = 0; u < units_.size(); ++u)
      if (census_.units[u].parent == unit && !test(units_[u])) return false;
    return true;
  }

  void happen(std::size_t now, Event::Kind kind, int index) {
    Unit& unit = at(index);
    const int parent = census_.units[static_cast<std::size_t>(index)].parent;
    switch (kind) {
      case Event::Kind::enter:
        ++enters_;
        while (started_ < schedule_.gathers.size() && schedule_.gathers[started_].event == now) {
          const Gather& gather = schedule_.gathers[started_];
          REQUIRE(gather.unit == order_.at(started_++));
          REQUIRE_FALSE(at(gather.unit).gathered);
          at(gather.unit).gathered = true;
          at(gather.unit).slot = gather.slot;
          whole_.lend(gather.slot, size(gather.unit).whole);
        }
        // As many as are asked for, unless the next is whole still.
        REQUIRE(started_ <= enters_ + prefetch_);
        REQUIRE((started_ == std::min(enters_ + prefetch_, order_.size()) || at(order_[started_]).gathered));
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
        whole_.take_back(unit.slot, size(index).whole);
        return;
      case Event::Kind::lend: {
        REQUIRE(unit.whole);
        REQUIRE_FALSE(unit.lent);
        REQUIRE((parent < 0 || (at(parent).lent && !at(parent).reduced)));
        // Backward is forward's mirror: a sibling declared later has been reduced.
        for (std::size_t u = static_cast<std::size_t>(index) + 1; u < units_.size(); ++u)
          if (census_.units[u].parent == parent) REQUIRE(units_[u].reduced);
        unit.lent = true;
        gradients_.lend(gradient_slot(index), size(index).trained);
        return;
      }
      case Event::Kind::reduce:
        REQUIRE(unit.lent);
        REQUIRE_FALSE(unit.reduced);
        REQUIRE(children(index, [](const Unit& child) { return child.reduced; }));
        unit.reduced = true;
        // One reduction may be under way: only the next one ends it. Of nothing there is none.
        if (size(index).trained == 0) return;
        if (reducing_ >= 0) gradients_.take_back(gradient_slot(reducing_), size(reducing_).trained);
        reducing_ = index;
        return;
    }
  }

  long gradient_slot(int unit) const { return schedule_.gradient_slot.at(static_cast<std::size_t>(unit)); }

  const Census& census_;
  const std::vector<UnitSize>& sizes_;
  const Schedule& schedule_;
  std::vector<Unit> units_;
  Memory whole_, gradients_;
  std::vector<int> order_;  // of enters
  std::size_t prefetch_ = 0, enters_ = 0, started_ = 0;
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
  long asked = 0, least = 0;  // elements of slots, and what no schedule can do without
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
      for (const bool trains : {true, false})
        for (const int prefetch : {1, 0, 3}) {
          INFO("parents" << text << ", reshard after " << int(reshard_after) << ", trains " << trains
                         << ", prefetch " << prefetch);
          const Schedule schedule = make_schedule(census, all, reshard_after, prefetch, trains);
          Referee referee(census, all, schedule);
          referee.play(prefetch, trains);
          asked += schedule.slots + schedule.gradient_slots;
          least += referee.least();
        }
  }
  CHECK(asked <= least + least / 50);
  CHECK(nested > 500);
  CHECK(recomputed > 500);
}

}  // namespace
}  // namespace ashlar
