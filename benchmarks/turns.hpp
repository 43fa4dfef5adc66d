// Timing side by side: what is compared runs in turn, so that what slows the machine for a while slows all of
// it.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <vector>

namespace ashlar::bench {

// The value below which a share of `q` of all values lies; q = 0.5 is the median. Hyndman and Fan 1996,
// type 7.
inline double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const std::size_t below = static_cast<std::size_t>(at), above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

struct Spread {
  double median, low, high;  // low and high: the quartiles
};

inline Spread spread(const std::vector<double>& values) {
  return {quantile(values, 0.5), quantile(values, 0.25), quantile(values, 0.75)};
}

// Of runs that were neighbours in time: seconds of one over seconds of the other.
inline Spread ratio(const std::vector<double>& of, const std::vector<double>& to) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < of.size(); ++i) ratios.push_back(of[i] / to[i]);
  return spread(ratios);
}

// Seconds of `rounds` runs of each, after two that are not counted. Who begins a round changes with the
// round.
template <class... Runs>
std::array<std::vector<double>, sizeof...(Runs)> in_turns(int rounds, Runs&&... runs) {
  constexpr std::size_t count = sizeof...(Runs);
  std::array<std::vector<double>, count> seconds;
  for (int round = -2; round < rounds; ++round) {
    for (std::size_t turn = 0; turn < count; ++turn) {
      const std::size_t chosen = (turn + static_cast<std::size_t>(round + 2)) % count;
      const auto start = std::chrono::steady_clock::now();
      std::size_t k = 0;
      ((k++ == chosen ? static_cast<void>(runs()) : static_cast<void>(0)), ...);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      if (round >= 0) seconds[chosen].push_back(took.count());
    }
  }
  return seconds;
}

}  // namespace ashlar::bench
