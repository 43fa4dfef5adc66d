// The tensor type by name only, so that concepts, policies and layers compile without a LibTorch header.
#pragma once

#include <ashlar/cxx20.hpp>

namespace at {
class Tensor;
}

namespace ashlar {
using at::Tensor;
}
