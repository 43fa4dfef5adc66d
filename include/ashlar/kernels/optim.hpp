// What an optimizer step does on a GPU in one pass over a flat.
#pragma once

#include <span>

#include <ashlar/optim/adamw.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar::cuda {

// As sum_of_squares of engine/memory.hpp.
Tensor sum_of_squares(const Tensor& flat);

// As AdamW::update_fused.
void adamw(const optim::AdamW& settings, const Tensor& master, const Tensor& grad,
           std::span<const Tensor> states, const Tensor& compute, const Tensor& now, bool decays);

}  // namespace ashlar::cuda
