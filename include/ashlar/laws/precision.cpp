#include <ashlar/laws/precision.hpp>

#include <ATen/ATen.h>

#include <ashlar/engine/memory.hpp>
#include <ashlar/engine/split.hpp>

namespace ashlar::laws {

std::string detail::lost(dtype compute, dtype master, bool splits) {
  // All 65536 values of bfloat16; in float32 as many, with every bit of the mantissa in use.
  const Tensor bits = at::arange(1 << 16, at::kLong);
  const Tensor all = compute == dtype::bf16 ? bits.to(at::kShort).view(at::kBFloat16)
                                            : bits.mul(0x10001).to(at::kInt).view(at::kFloat);
  const Tensor values = all.masked_select(all.isfinite());
  Tensor back = values.to(scalar_type(master));
  if (splits) back = join({split(back).compute, at::zeros_like(back, at::kShort)});
  back = back.to(scalar_type(compute));
  const Tensor changed = back.ne(values).nonzero();
  if (changed.numel() == 0) return {};
  const auto first = changed[0].item<long>();
  return c10::str(values[first].item<double>(), ", which comes back as ", back[first].item<double>());
}

}  // namespace ashlar::laws
