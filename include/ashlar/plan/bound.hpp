// bound: the least time that a planned step can take on a machine.
#pragma once

#include <algorithm>

#include <ashlar/plan/plan.hpp>

namespace ashlar {

// What one rank has. Bandwidths count one direction, in bytes a second.
struct machine {
  long memory = 0;       // bytes
  double flops = 0;      // floating-point operations a second, in the compute type
  double bandwidth = 0;  // to and from its memory
  double link = 0;       // to the other ranks
  double host = 0;       // to its host
};

// NVIDIA's data sheet: bfloat16 without sparsity, HBM3e, NVLink of the fourth generation, PCIe 5.0 x16.
inline constexpr machine h200{
    .memory = 141'000'000'000, .flops = 989e12, .bandwidth = 4.8e12, .link = 450e9, .host = 64e9};

// Seconds: max(flops / F + updated / B, sent / L), for arithmetic and communication can at best hide one
// another. Where the optimizer rests on the host, moved / H stands for updated / B: both ways go one after
// the other, for clipping waits for the last gradient. A rank of N sends (N-1)/N of what is gathered or
// reduce-scattered, and twice that of an all-reduce: no algorithm sends less (Patarasuk and Yuan, Bandwidth
// optimal all-reduce algorithms, 2009).
constexpr double lower_bound(const Plan& plan, const machine& on) {
  const double share = static_cast<double>(plan.world - 1) / plan.world;
  const double sent =
      share * static_cast<double>(plan.sent(Collective::all_gather) + plan.sent(Collective::reduce_scatter) +
                                  2 * plan.sent(Collective::all_reduce));
  const double update = plan.moved > 0 ? static_cast<double>(plan.moved) / on.host
                                       : static_cast<double>(plan.update) / on.bandwidth;
  const double arithmetic = plan.flops() / on.flops + update;
  return std::max(arithmetic, sent > 0 ? sent / on.link : 0);
}

}  // namespace ashlar
