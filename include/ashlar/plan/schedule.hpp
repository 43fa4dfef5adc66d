// Schedule: everything that happens to units in one micro-batch, in order, decided before the first step.
//
// The engine does what the schedule says and nothing else, so collectives meet in the same order on every
// rank even where ranks run different branches of a model, and prefetch and reuse of memory are a plan, not a
// heuristic.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <ashlar/concepts/shard_policy.hpp>
#include <ashlar/plan/census.hpp>

namespace ashlar {

struct Event {
  enum class Kind {
    enter,   // the unit's gather is waited for; the next gathers are started
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
  std::size_t event = 0;  // at which it starts
  long slot = 0;          // elements before its slot, of the memory of all slots
};

// Elements of a unit's flats: what a gather makes whole, and the trained part of it, which has a gradient.
struct UnitSize {
  long whole = 0;
  long trained = 0;
};

struct Schedule {
  std::vector<Event> events{};        // forward's, then backward's
  std::size_t forward = 0;            // how many events are forward's
  std::vector<char> stays{};          // by unit: whole from its forward to its backward
  std::vector<Gather> gathers{};      // in the order in which they start
  long slots = 0;                     // elements that their slots take together
  std::vector<long> gradient_slot{};  // by unit: elements before it
  long gradient_slots = 0;            // elements that the slots of gradients take together
};

namespace detail {

// A slot: so many elements, lent from one event until another.
struct Loan {
  long numel = 0;
  std::size_t begin = 0, end = 0;
  long offset = 0;
};

// By loan, those that are out at a time when it is out, too. The loans are in the order of their beginning.
constexpr std::vector<std::vector<std::size_t>> meetings(const std::vector<Loan>& loans) {
  std::vector<std::vector<std::size_t>> met(loans.size());
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < loans.size(); ++i) {
    const Loan& loan = loans[i];
    if (loan.numel == 0) continue;
    std::size_t still = 0;
    for (const std::size_t other : out)
      if (loan.begin < loans[other].end) out[still++] = other;
    out.resize(still);
    for (const std::size_t other : out) {
      if (loan.end <= loans[other].begin) continue;
      met[i].push_back(other);
      met[other].push_back(i);
    }
    out.push_back(i);
  }
  return met;
}

// Places loans in one piece of memory, so that none lies where another does while both are out: the largest
// first, each where it fits lowest. Returns how many elements that takes. Greedy by size: Pisarchyk and Lee
// 2020, arXiv:2001.03288. Its time grows with how many loans are out at once, not with all pairs of them.
constexpr long place(std::vector<Loan>& loans) {
  const std::vector<std::vector<std::size_t>> met = meetings(loans);
  std::vector<std::size_t> by_size(loans.size(), 0), near;  // near: placed already, and out with this one
  for (std::size_t i = 0; i < loans.size(); ++i) by_size[i] = i;
  const auto larger = [&](std::size_t a, std::size_t b) {
    return loans[a].numel != loans[b].numel ? loans[a].numel > loans[b].numel : a < b;
  };
  // They often are sorted, and to sort takes the compiler long.
  if (!std::is_sorted(by_size.begin(), by_size.end(), larger))
    std::sort(by_size.begin(), by_size.end(), larger);
  std::vector<char> placed(loans.size(), 0);
  long size = 0;
  for (const std::size_t i : by_size) {
    Loan& loan = loans[i];
    if (loan.numel == 0) continue;
    near.clear();
    for (const std::size_t other : met[i])
      if (placed[other]) near.push_back(other);
    if (near.size() > 1)
      std::sort(near.begin(), near.end(),
                [&](std::size_t a, std::size_t b) { return loans[a].offset < loans[b].offset; });
    for (const std::size_t n : near) {
      const Loan& other = loans[n];
      if (loan.offset + loan.numel <= other.offset) break;
      loan.offset = std::max(loan.offset, other.offset + other.numel);
    }
    placed[i] = 1;
    size = std::max(size, loan.offset + loan.numel);
  }
  return size;
}

// Runs a micro-batch without arithmetic: units enter and leave here as they will at run time.
class Rehearsal {
 public:
  constexpr Rehearsal(const Census& census, const std::vector<UnitSize>& sizes, pass reshard_after,
                      std::size_t prefetch, bool trains)
      : census_(census),
        sizes_(sizes),
        children_(census.units.size()),
        stays_(census.units.size(), trains && reshard_after == pass::backward ? 1 : 0) {
    for (int unit = 1; unit < static_cast<int>(stays_.size()); ++unit)
      children_[at(site(unit).parent)].push_back(unit);
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
    start_gathers(prefetch);
    place_gradients();
    schedule_.stays = stays_;
  }

  constexpr Schedule result() && { return std::move(schedule_); }

 private:
  static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }
  constexpr const UnitSite& site(int unit) const { return census_.units[at(unit)]; }
  constexpr void note(Event::Kind kind, int unit) { schedule_.events.push_back({kind, unit}); }
  constexpr void leave(int unit) { note(Event::Kind::leave, unit); }

  constexpr const std::vector<int>& children(int unit) const { return children_[at(unit)]; }

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
    const std::vector<int>& all = children(unit);
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

  // At each enter the gathers of the next `prefetch` enters start, too, but for a unit that is still whole
  // from its forward: its gather, and what comes after it, waits until it has left.
  constexpr void start_gathers(std::size_t prefetch) {
    const std::vector<Event>& events = schedule_.events;
    std::vector<int> order;
    for (const Event& event : events)
      if (event.kind == Event::Kind::enter) order.push_back(event.unit);
    std::vector<Loan> loans;
    std::vector<std::size_t> loan_of(stays_.size(), 0);
    std::vector<char> lent(stays_.size(), 0);
    std::size_t entered = 0;
    for (std::size_t e = 0; e < events.size(); ++e) {
      const auto unit = at(events[e].unit);
      if (events[e].kind == Event::Kind::leave) {
        lent[unit] = 0;
        loans[loan_of[unit]].end = e;
      } else if (events[e].kind == Event::Kind::enter) {
        ++entered;
        while (loans.size() < std::min(entered + prefetch, order.size()) && !lent[at(order[loans.size()])]) {
          const int next = order[loans.size()];
          lent[at(next)] = 1;
          loan_of[at(next)] = loans.size();
          schedule_.gathers.push_back({.unit = next, .event = e});
          loans.push_back({.numel = sizes_[at(next)].whole, .begin = e});
        }
      }
    }
    schedule_.slots = place(loans);
    for (std::size_t i = 0; i < loans.size(); ++i) schedule_.gathers[i].slot = loans[i].offset;
  }

  // One reduction may be under way while the next gradient is written: a slot is free when the next one
  // starts.
  constexpr void place_gradients() {
    std::vector<Loan> loans;
    std::vector<int> unit_of;
    std::vector<std::size_t> loan_of(stays_.size(), 0);
    int reducing = -1;
    for (std::size_t e = 0; e < schedule_.events.size(); ++e) {
      const auto [kind, unit] = schedule_.events[e];
      const long numel = sizes_[at(unit)].trained;
      if (numel == 0) continue;
      if (kind == Event::Kind::lend) {
        loan_of[at(unit)] = loans.size();
        loans.push_back({.numel = numel, .begin = e, .end = schedule_.events.size()});
        unit_of.push_back(unit);
      } else if (kind == Event::Kind::reduce) {
        if (reducing >= 0) loans[loan_of[at(reducing)]].end = e;
        reducing = unit;
      }
    }
    schedule_.gradient_slots = place(loans);
    for (std::size_t i = 0; i < loans.size(); ++i) schedule_.gradient_slot[at(unit_of[i])] = loans[i].offset;
  }

  const Census& census_;
  const std::vector<UnitSize>& sizes_;
  std::vector<std::vector<int>> children_;  // by unit
  std::vector<char> stays_;
  Schedule schedule_{};
};

}  // namespace detail

// `prefetch`: how many units are gathered ahead of the one that is entered. `trains`: a backward follows the
// forward.
constexpr Schedule make_schedule(const Census& census, const std::vector<UnitSize>& sizes, pass reshard_after,
                                 int prefetch, bool trains) {
  return detail::Rehearsal(census, sizes, reshard_after, static_cast<std::size_t>(prefetch), trains).result();
}

}  // namespace ashlar
