#include <ashlar/engine/split.hpp>

#include <ATen/ATen.h>

namespace ashlar {

Split split(const Tensor& master) {
  Tensor bits = master.view(at::kInt).masked_fill(master.isnan(), 0x7fc00000);
  Tensor rest = bits.to(at::kShort);
  bits.add_(0x8000).bitwise_right_shift_(16);
  return {bits.to(at::kShort).view(at::kBFloat16), rest};
}

Tensor join(const Split& halves) {
  return halves.compute.view(at::kShort)
      .to(at::kInt)
      .bitwise_left_shift_(16)
      .add_(halves.rest)
      .view(at::kFloat);
}

}  // namespace ashlar
