#include <ashlar/comm/recorded.hpp>

#include <ostream>

#include <ATen/core/Tensor.h>

namespace ashlar::comm {

std::ostream& operator<<(std::ostream& out, const Call& call) {
  return out << to_string(call.kind) << " of " << call.bytes << " bytes, " << call.itemsize << " an element";
}

namespace detail {

Call call_of(Collective kind, const Tensor& tensor) {
  return {kind, static_cast<std::int64_t>(tensor.nbytes()), static_cast<std::int64_t>(tensor.itemsize())};
}

}  // namespace detail
}  // namespace ashlar::comm
