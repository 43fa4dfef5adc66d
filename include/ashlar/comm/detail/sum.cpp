#include <ashlar/comm/detail/sum.hpp>

#include <string>

#include <ATen/core/Tensor.h>

#include <ashlar/error.hpp>

namespace ashlar::comm::detail {
namespace {

// Two loops, because each must know that its pointers lie apart to be vectorised. c10's types add and round.
template <class T>
void onto(T* __restrict x, const T* __restrict y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(x[i] + y[i]);
}

template <class T>
void apart(T* __restrict out, const T* __restrict x, const T* __restrict y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(x[i] + y[i]);
}

template <class T>
void sum(void* out, const void* x, const void* y, std::int64_t bytes) {
  const auto n = bytes / static_cast<std::int64_t>(sizeof(T));
  if (out == x)
    onto(static_cast<T*>(out), static_cast<const T*>(y), n);
  else
    apart(static_cast<T*>(out), static_cast<const T*>(x), static_cast<const T*>(y), n);
}

}  // namespace

Sum sum_for(const char* what, const Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case c10::kFloat:
      return sum<float>;
    case c10::kDouble:
      return sum<double>;
    case c10::kBFloat16:
      return sum<c10::BFloat16>;
    case c10::kHalf:
      return sum<c10::Half>;
    case c10::kInt:
      return sum<std::uint32_t>;  // unsigned: wraps without undefined behaviour
    case c10::kLong:
      return sum<std::uint64_t>;
    case c10::kByte:
      return sum<std::uint8_t>;
    default:
      throw Error("comm.2",
                  "float32, float64, bfloat16, float16, int32, int64 or uint8 for " + std::string(what),
                  c10::toString(tensor.scalar_type()), "convert the tensor before");
  }
}

}  // namespace ashlar::comm::detail
