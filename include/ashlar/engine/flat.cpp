#include <ashlar/engine/flat.hpp>

#include <algorithm>

namespace ashlar {

void copy_overlap(const Tensor& target, long target_begin, const Tensor& values, long offset) {
  const long begin = std::max(target_begin, offset);
  const long end = std::min(target_begin + target.numel(), offset + values.numel());
  if (begin >= end) return;
  target.narrow(0, begin - target_begin, end - begin).copy_(values.narrow(0, begin - offset, end - begin));
}

}  // namespace ashlar
