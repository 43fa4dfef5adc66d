#include <ashlar/laws/law.hpp>

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

namespace ashlar::laws {

namespace {

constexpr size_t width = 256;  // bytes a complaint

}  // namespace

std::string difference(const Tensor& got, const Tensor& due, double tolerance) {
  if (got.scalar_type() != due.scalar_type() || got.numel() != due.numel())
    return std::to_string(got.numel()) + " elements of " + c10::toString(got.scalar_type()) + " where " +
           std::to_string(due.numel()) + " of " + c10::toString(due.scalar_type()) + " are due";
  const Tensor a = got.to(at::kCPU, at::kDouble).flatten(), b = due.to(at::kCPU, at::kDouble).flatten();
  const Tensor wrong = ((a - b).abs() <= tolerance).logical_not().nonzero();  // NaN is wrong, too
  if (wrong.numel() == 0) return {};
  const auto first = wrong[0].item<long>();
  return c10::str(a[first].item<double>(), " at element ", first, " where ", b[first].item<double>(),
                  " is due");
}

Tensor held(int rank, long numel, c10::Device device) {
  return at::arange(numel, at::kLong).add_(3 * rank).remainder_(7).to(device, at::kFloat);
}

Tensor detail::encode(const std::string& complaint, c10::Device device) {
  const Tensor bytes = at::zeros({static_cast<long>(width)}, at::kByte);
  std::memcpy(bytes.data_ptr(), complaint.data(), std::min(complaint.size(), width - 1));
  return bytes.to(device);
}

void detail::refuse(const Law& law, const Tensor& complaints, int world) {
  const Tensor bytes = complaints.cpu();
  const char* text = static_cast<const char*>(bytes.const_data_ptr());
  for (int rank = 0; rank < world; ++rank, text += width)
    if (*text != 0)
      throw Error(law.id, law.sentence, std::string(text) + " on rank " + std::to_string(rank), law.remedy);
}

}  // namespace ashlar::laws
