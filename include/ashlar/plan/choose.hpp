// fits, cheapest: strategies chosen by their plans, at compile time.
//
//     static_assert(fits<Strategy, Model>(80_GiB, world{8}, batch{4, 4096}));
//     using Best = cheapest<Model, h200, world{8}, batch{4, 4096}, Ddp, ZeroTwo, ZeroThree>;
#pragma once

#include <array>
#include <cstddef>
#include <limits>

#include <ashlar/plan/bound.hpp>

namespace ashlar {

inline namespace literals {
consteval long operator""_GiB(unsigned long long count) {
  return static_cast<long>(count) << 30;
}
}  // namespace literals

// Whether the planned peak of a rank is at most so many bytes.
template <class Strategy, class Model, class Optimizer = optim::AdamW>
constexpr auto fits(long bytes, world ranks, batch each, int micro_batches = 1) {
  return plan<Strategy, Model, Optimizer>(ranks, each, micro_batches).peak() <= bytes;
}

// What a strategy would need, for the compiler to print.
template <class Strategy, long GiB>
struct Needs {};

namespace detail {

template <std::size_t strategies>
concept several = strategies > 0;
template <class Strategy>
concept uses_its_host = requires { requires Strategy::Offload::optimizer == memory::host; };
// What a strategy of the list is timed by: one rank sends nothing, and not every strategy uses its host.
template <machine on, world ranks, class... Strategies>
concept describes_a_machine = on.memory > 0 && on.flops > 0 && on.bandwidth > 0 &&
                              (on.link > 0 || ranks.size == 1) &&
                              (on.host > 0 || !(uses_its_host<Strategies> || ...));
template <world ranks, batch each>
concept some_work = ranks.size >= 1 && each.sequences >= 1 && each.tokens >= 1;
template <machine on, world ranks, batch each, class... Strategies>
concept choosable =
    several<sizeof...(Strategies)> && some_work<ranks, each> && describes_a_machine<on, ranks, Strategies...>;

template <class... Needs>
concept one_fits = sizeof...(Needs) == 0;

template <class... Needs>
consteval bool none_fits() {
  static_assert(one_fits<Needs...>,
                "[ashlar.plan.3] no strategy of the list fits into the machine's memory, and Needs<Strategy, "
                "GiB> says what each would need: write a strategy that keeps less, a smaller batch or a "
                "larger world");
  return true;
}

template <machine on, class... Strategies>
struct Choice {
  static constexpr std::size_t count = sizeof...(Strategies);

  // Of the strategies that fit the one with the least lower_bound, and of equals the one with the least peak.
  static consteval std::size_t best(const std::array<Plan, count>& plans) {
    std::size_t best = count;
    for (std::size_t i = 0; i < count; ++i) {
      if (plans[i].peak() > on.memory) continue;
      if (best == count) {
        best = i;
        continue;
      }
      const double time = lower_bound(plans[i], on), least = lower_bound(plans[best], on);
      if (time < least || (time == least && plans[i].peak() < plans[best].peak())) best = i;
    }
    return best;
  }
};

template <std::size_t index, class First, class... Rest>
struct Pick : Pick<index - 1, Rest...> {};
template <class First, class... Rest>
struct Pick<0, First, Rest...> {
  using type = First;
};

template <class Strategy, class Model>
consteval long needed_GiB(world ranks, batch each) {
  const long peak = plan<Strategy, Model>(ranks, each).peak();
  return (peak + (1L << 30) - 1) >> 30;
}

// Of what cheapest is given besides strategies.
template <machine on, world ranks, batch each, class... Strategies>
consteval bool explain_choice() {
  if constexpr (!several<sizeof...(Strategies)>)
    static_assert(several<sizeof...(Strategies)>,
                  "[ashlar.plan.10] cheapest is given no strategies: write at least one behind the batch");
  else if constexpr (!some_work<ranks, each>)
    static_assert(
        some_work<ranks, each>,
        "[ashlar.plan.12] a choice is for at least one rank and a batch of at least one token: write "
        "world{8} and batch{4, 1024}, say");
  else
    static_assert(describes_a_machine<on, ranks, Strategies...>,
                  "[ashlar.plan.11] a machine has memory, flops and bandwidth above 0, link where ranks are "
                  "several, and "
                  "host where a strategy uses it: write these figures, or h200");
  return true;
}

// Where none fits the first is chosen: the mistake has been explained, and what follows from it is none.
template <class Model, machine on, world ranks, batch each, class... Strategies>
  requires choosable<on, ranks, each, Strategies...>
consteval auto choose() {
  constexpr std::size_t best = Choice<on, Strategies...>::best({plan<Strategies, Model>(ranks, each)...});
  if constexpr (best < sizeof...(Strategies)) {
    return Pick<best, Strategies...>();
  } else {
    none_fits<Needs<Strategies, needed_GiB<Strategies, Model>(ranks, each)>...>();
    return Pick<0, Strategies...>();
  }
}

template <class... Strategies>
struct NoChoice {
  using type = Refused;
};
template <class First, class... Rest>
struct NoChoice<First, Rest...> {
  using type = First;
};
template <class Model, machine on, world ranks, batch each, class... Strategies>
consteval auto choose() {
  static_assert(explain_choice<on, ranks, each, Strategies...>());
  return NoChoice<Strategies...>();
}

}  // namespace detail

// The strategy of the list that fits into the machine's memory and has the least lower_bound.
template <class Model, machine on, world ranks, batch each, class... Strategies>
using cheapest = typename decltype(detail::choose<Model, on, ranks, each, Strategies...>())::type;

}  // namespace ashlar
