// The gradient of a linear's weight, made where it is to be.
#pragma once

#include <ashlar/tensor.hpp>

namespace ashlar::nn {

struct Gradient;

// Whether the backward that runs on this thread is a plain one: it ends in every leaf, and nobody will
// differentiate what it makes.
bool leads_to_every_leaf();

// What `self`, an nn::Gradient::self, stands for, if the backward that runs now may write its window: while
// that is fresh, if that backward is a plain one to every leaf, and if no hook waits for the gradient. A
// gradient that autograd::grad asked for, or that is to be differentiated again, belongs to whoever asked.
// Else null, and so where `self` is empty.
Gradient* writable(const Tensor& self);

// g^T x: written into the window where that is writable, and then nothing is left for autograd: undefined.
// Every other one is returned, for autograd to add up in the order of a plain loop.
Tensor weight_gradient(const Tensor& g,  // (rows, out)
                       const Tensor& x,  // (rows, in)  -> (out, in), or undefined
                       const Tensor& self);

}  // namespace ashlar::nn
