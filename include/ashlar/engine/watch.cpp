#include <ashlar/engine/watch.hpp>

#include <ATen/ATen.h>

namespace ashlar {

bool all_finite(const Tensor& tensor) {
  return !at::isFloatingType(tensor.scalar_type()) || at::isfinite(tensor).all().item().toBool();
}

}  // namespace ashlar
