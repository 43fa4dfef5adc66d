// Metrics: what is known after a step. A number that was not measured is absent, never zero.
#pragma once

#include <cstdint>
#include <optional>

namespace ashlar::report {

struct Metrics {
  std::int64_t step = 0;                          // as the caller counts; the same count everywhere
  std::optional<double> loss = {};                // nats a token, mean over the global batch
  std::optional<double> validation_loss = {};     // nats a token
  std::optional<double> gradient_norm = {};       // global, before clipping
  std::optional<double> learning_rate = {};       // of this step
  std::optional<double> tokens_per_second = {};   // of all ranks together
  std::optional<std::int64_t> bytes_in_use = {};  // of one rank, see resident_bytes
};

}  // namespace ashlar::report
