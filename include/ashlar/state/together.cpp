#include <ashlar/state/together.hpp>

#include <string>

#include <ATen/ops/zeros.h>

#include <ashlar/error.hpp>

namespace ashlar::state::detail {

Tensor one_of(int size, int place, std::int64_t value, c10::Device device) {
  Tensor values = at::zeros({size}, at::kLong);
  values.data_ptr<std::int64_t>()[place] = value;
  return values.to(device);
}

std::int64_t first_element(const Tensor& tensor) {
  return tensor.cpu().data_ptr<std::int64_t>()[0];
}

void check_flags(const Tensor& flags, std::exception_ptr own, std::string_view what) {
  if (own) std::rethrow_exception(own);
  const Tensor host = flags.cpu();
  std::string failed;
  for (std::int64_t rank = 0; rank < host.numel(); ++rank)
    if (host.data_ptr<std::int64_t>()[rank] != 0)
      failed += (failed.empty() ? "" : ", ") + std::to_string(rank);
  if (failed.empty()) return;
  throw Error("state.2", "every rank to " + std::string(what), "a failure on rank " + failed,
              "see that rank's own message");
}

}  // namespace ashlar::state::detail
