// Sums of tensors' bytes on this host, for communicators that add themselves.
#pragma once

#include <cstdint>

#include <ashlar/tensor.hpp>

namespace ashlar::comm::detail {

// out = x + y over `bytes` bytes; out is x or lies apart from it, y lies apart from both.
using Sum = void (*)(void* out, const void* x, const void* y, std::int64_t bytes);

// The sum for the tensor's dtype. bfloat16 and float16 are added in float32 and rounded to nearest even,
// integers wrap.
//   [ashlar.comm.2]  a dtype that is not summed; `what` names the collective
Sum sum_for(const char* what, const Tensor& tensor);

}  // namespace ashlar::comm::detail
