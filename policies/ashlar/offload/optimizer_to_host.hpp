// OptimizerToHost: master weights and optimizer state rest on the host, whose cores update them, where
// parameters are sharded while the next forward begins.
//
//   also known as    ZeRO-Offload; DeepSpeed's offload_optimizer
//   each rank keeps  no O on the device; O/N, G/N and P/N on its host
//   each step sends  G/N to the host, P/N back
//   needs            host memory, and cores to update with
//   composes with    each Shard policy that shards optimizer state
//   choose another   None, where O/N fits on the device: it is faster
//   shown by         examples/13_offload.cpp
#pragma once

#include <ashlar/concepts/offload_policy.hpp>

namespace ashlar::offload {

struct OptimizerToHost {
  static constexpr std::string_view name = "OptimizerToHost";
  static constexpr auto optimizer = memory::host;
};

static_assert(offload_policy<OptimizerToHost>);

}  // namespace ashlar::offload
