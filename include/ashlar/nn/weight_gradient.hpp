// The gradient of a linear's weight, made where it is to be.
#pragma once

#include <ashlar/tensor.hpp>

namespace ashlar::nn {

// g^T x, where `self` is nn::Gradient::self: written into the window while that is fresh, and then nothing is
// left for autograd: undefined. Later ones are returned, for autograd to add up in the order of a plain loop;
// so is every one where `self` is empty.
Tensor weight_gradient(const Tensor& g,  // (rows, out)
                       const Tensor& x,  // (rows, in)  -> (out, in), or undefined
                       const Tensor& self);

}  // namespace ashlar::nn
