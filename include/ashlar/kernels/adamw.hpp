// AdamW over a flat shard: one pass over all that a step reads and writes.
#pragma once

#include <cstdint>

#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/kernels/stream.hpp>

namespace ashlar::cuda {

// What changes from step to step lies in the GPU's memory, so that a captured graph may be replayed.
struct StepValues {
  const float* rate;    // learning rate
  const float* factor;  // on the gradient: clipping, loss scale; null for 1; NaN where nothing is to change
  const float* step;    // counts from 1
};

struct AdamWConstants {
  double beta1, beta2, epsilon;
  double weight_decay;  // 0 for what does not decay
};

// Loshchilov and Hutter 2019, algorithm 2, in float32. All are 1D, of numel.
void adamw(float* master,       // null where it is split: then
           std::int16_t* rest,  // this and compute are the master
           const void* gradient, dtype gradient_type, float* exp_avg, float* exp_avg_sq,
           void* compute,  // master in bfloat16, or null
           long numel, const StepValues& now, const AdamWConstants& constants, Stream stream);

}  // namespace ashlar::cuda
