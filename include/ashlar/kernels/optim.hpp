// What an optimizer step does on a GPU in one pass over a flat.
#pragma once

#include <span>

#include <ashlar/optim/adamw.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar::cuda {

// As add_squares of engine/memory.hpp.
void add_squares(const Tensor& sum, const Tensor& flat);

// Writes the factor that a step's gradient is multiplied by into now[1], as in kernels/judge.hpp.
void judge(const Tensor& told,  // (5), as Training tells; of these `square` is the gradient's
           int square,
           const Tensor& now,  // (3), float32
           double clip_norm, int ranks);

// As AdamW::update_fused.
void adamw(const optim::AdamW& settings, const Tensor& master, const Tensor& grad,
           std::span<const Tensor> states, const Tensor& compute, const Tensor& now, bool decays);

}  // namespace ashlar::cuda
