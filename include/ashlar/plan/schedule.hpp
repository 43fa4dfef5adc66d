// Schedule: everything that happens to units in one micro-batch, in order, decided before the first step.
//
// The engine does what the schedule says and nothing else, so collectives meet in the same order on every
// rank even where ranks run different branches of a model, and prefetch and reuse of memory are a plan, not a
// heuristic.
#pragma once

#include <algorithm>
#include <vector>

#include <ashlar/concepts/shard_policy.hpp>
#include <ashlar/plan/census.hpp>

namespace ashlar {

struct Event {
  enum class Kind {
    enter,   // the unit's gather is waited for; the next gather is started
    leave,   // its slot is taken back
    lend,    // its gradient is lent a slot, and is zero
    reduce,  // its gradient is complete and is reduced
  };
  Kind kind = Kind::enter;
  int unit = 0;

  constexpr bool operator==(const Event&) const = default;
};

struct Gather {
  int unit = 0;
  int slot = 0;
};

// Elements of a unit's flats: what a gather makes whole, and the trained part of it, which has a gradient.
struct UnitSize {
  long whole = 0;
  long trained = 0;
};

struct Schedule {
  std::vector<Event> events{};         // forward's, then backward's
  std::size_t forward = 0;             // how many events are forward's
  std::vector<char> stays{};           // by unit: whole from its forward to its backward
  std::vector<Gather> gathers{};       // in the order in which they start
  std::vector<long> slots{};           // elements of each slot
  std::vector<int> gradient_slot{};    // by unit
  std::vector<long> gradient_slots{};  // elements of each gradient slot
};

namespace detail {

// Lends slots of different sizes: the smallest that is large enough, or else the largest, which then grows.
struct SlotPlan {
  std::vector<long> sizes{};
  std::vector<char> lent{};

  constexpr int lend(long numel) {
    int best = -1;
    for (int i = 0; i < static_cast<int>(sizes.size()); ++i)
      if (!lent[at(i)] && (best < 0 || better(sizes[at(i)], sizes[at(best)], numel))) best = i;
    if (best < 0) {
      best = static_cast<int>(sizes.size());
      sizes.push_back(0);
      lent.push_back(0);
    }
    sizes[at(best)] = std::max(sizes[at(best)], numel);
    lent[at(best)] = 1;
    return best;
  }
  constexpr void take_back(int slot) { lent[at(slot)] = 0; }

 private:
  static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }
  static constexpr bool better(long size, long than, long numel) {
    if (size >= numel) return than < numel || size < than;
    return than < numel && size > than;
  }
};

// Runs a micro-batch without arithmetic: units enter and leave here as they will at run time.
class Rehearsal {
 public:
  constexpr Rehearsal(const Census& census, const std::vector<UnitSize>& sizes, pass reshard_after,
                      bool trains)
      : census_(census),
        sizes_(sizes),
        stays_(census.units.size(), trains && reshard_after == pass::backward ? 1 : 0) {
    // The root is needed again at once, and so is the last unit with all inside it.
    stays_[0] = trains;
    if (trains && stays_.size() > 1) {
      int last = static_cast<int>(stays_.size()) - 1;
      while (site(last).parent > 0) last = site(last).parent;
      std::fill(stays_.begin() + last, stays_.end(), 1);
    }
    forward(0);
    if (!trains) leave(0);
    schedule_.forward = schedule_.events.size();
    if (trains) {
      schedule_.gradient_slot.assign(stays_.size(), 0);
      backward(0, false);
    }
    assign_slots();
    schedule_.stays = stays_;
  }

  constexpr Schedule result() && { return std::move(schedule_); }

 private:
  static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }
  constexpr const UnitSite& site(int unit) const { return census_.units[at(unit)]; }
  constexpr void note(Event::Kind kind, int unit) { schedule_.events.push_back({kind, unit}); }
  constexpr void leave(int unit) { note(Event::Kind::leave, unit); }

  constexpr std::vector<int> children(int unit) const {
    std::vector<int> found;
    for (int u = unit + 1; u < static_cast<int>(census_.units.size()); ++u)
      if (site(u).parent == unit) found.push_back(u);
    return found;
  }

  constexpr void forward(int unit) {
    note(Event::Kind::enter, unit);
    for (const int child : children(unit)) forward(child);
    if (!stays_[at(unit)] && unit != 0) leave(unit);
  }

  // A recomputed layer's second forward: what becomes whole stays whole for the backward that follows.
  constexpr void forward_again(int unit) {
    enter_again(unit);
    for (const int child : children(unit)) forward_again(child);
  }

  constexpr void enter_again(int unit) {
    if (!stays_[at(unit)]) note(Event::Kind::enter, unit);
  }

  constexpr void backward(int unit, bool whole) {
    if (!whole) enter_again(unit);
    note(Event::Kind::lend, unit);
    const std::vector<int> all = children(unit);
    const bool recomputed = site(unit).layer >= 0;
    if (recomputed && !whole)
      for (const int child : all) forward_again(child);
    // Children in reverse; the units of one recomputed layer first enter together, in order.
    for (auto end = all.size(); end > 0;) {
      auto begin = end - 1;
      const int layer = site(all[begin]).layer;
      const bool group = !recomputed && layer >= 0;
      while (group && begin > 0 && site(all[begin - 1]).layer == layer) --begin;
      const bool several = end - begin > 1;
      for (auto i = begin; several && i < end; ++i) forward_again(all[i]);
      for (auto i = end; i > begin; --i) backward(all[i - 1], recomputed || several);
      end = begin;
    }
    note(Event::Kind::reduce, unit);
    leave(unit);
  }

  // At each enter the gather after it starts too; one reduction may be under way while the next gradient is
  // written.
  constexpr void assign_slots() {
    std::vector<int> order;
    for (const Event& event : schedule_.events)
      if (event.kind == Event::Kind::enter) order.push_back(event.unit);
    SlotPlan slots, gradients;
    std::vector<int> slot(stays_.size(), 0);
    std::size_t entered = 0;
    int reducing = -1;
    for (const Event& event : schedule_.events) {
      switch (event.kind) {
        case Event::Kind::enter:
          ++entered;
          while (schedule_.gathers.size() < std::min(entered + 1, order.size())) {
            const int unit = order[schedule_.gathers.size()];
            slot[at(unit)] = slots.lend(sizes_[at(unit)].whole);
            schedule_.gathers.push_back({unit, slot[at(unit)]});
          }
          break;
        case Event::Kind::leave:
          slots.take_back(slot[at(event.unit)]);
          break;
        case Event::Kind::lend:
          schedule_.gradient_slot[at(event.unit)] = gradients.lend(sizes_[at(event.unit)].trained);
          break;
        case Event::Kind::reduce:
          if (reducing >= 0) gradients.take_back(reducing);
          reducing = schedule_.gradient_slot[at(event.unit)];
          break;
      }
    }
    schedule_.slots = slots.sizes;
    schedule_.gradient_slots = gradients.sizes;
  }

  const Census& census_;
  const std::vector<UnitSize>& sizes_;
  std::vector<char> stays_;
  Schedule schedule_{};
};

}  // namespace detail

// `trains`: a backward follows the forward.
constexpr Schedule make_schedule(const Census& census, const std::vector<UnitSize>& sizes, pass reshard_after,
                                 bool trains) {
  return detail::Rehearsal(census, sizes, reshard_after, trains).result();
}

}  // namespace ashlar
