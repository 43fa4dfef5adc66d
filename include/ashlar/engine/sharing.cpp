#include <ashlar/engine/sharing.hpp>

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include <ashlar/error.hpp>

namespace ashlar {

namespace {

// Which of the bytes [begin, end) of its storage belong to a tensor. 1D, bool, on the CPU.
Tensor bytes_of(const Tensor& tensor, long begin, long end) {
  const auto width = static_cast<long>(tensor.itemsize());
  std::vector<std::int64_t> sizes, strides;
  for (std::int64_t dim = 0; dim < tensor.dim(); ++dim) {
    if (tensor.stride(dim) == 0) continue;
    sizes.push_back(tensor.size(dim));
    strides.push_back(tensor.stride(dim) * width);
  }
  sizes.push_back(width);
  strides.push_back(1);
  Tensor mask = at::zeros({end - begin}, at::kBool);
  mask.as_strided(sizes, strides, tensor.storage_offset() * width - begin).fill_(true);
  return mask;
}

bool overlaps_itself(const Tensor& tensor, long begin, long end) {
  return !tensor.is_non_overlapping_and_dense() &&
         bytes_of(tensor, begin, end).sum().item().toLong() < static_cast<long>(tensor.nbytes());
}

}  // namespace

std::pair<long, long> bytes_in_storage(const Tensor& tensor) {
  const auto width = static_cast<long>(tensor.itemsize());
  const long begin = tensor.storage_offset() * width;
  long end = tensor.numel() > 0 ? begin + width : begin;
  for (std::int64_t dim = 0; dim < tensor.dim() && tensor.numel() > 0; ++dim)
    end += (tensor.size(dim) - 1) * tensor.stride(dim) * width;
  return {begin, end};
}

void Sharing::meet(std::string name, const Tensor& tensor, bool is_parameter) {
  if (!tensor.defined() || !tensor.has_storage() || tensor.numel() == 0) return;
  const auto [begin, end] = bytes_in_storage(tensor);
  entries_.push_back(
      {std::move(name), tensor, is_parameter, tensor.storage().unsafeGetStorageImpl(), begin, end});
}

void Sharing::check(c10::Device device) {
  const auto refuse = [](const Entry& one, const std::string& other) {
    throw Error("parameter.6", "parameters and buffers that each have memory of their own",
                "'" + one.name + "' in that of " + other,
                "register one tensor and use it from both places, or clone() one before make()");
  };
  std::ranges::stable_sort(entries_, {},
                           [](const Entry& entry) { return std::pair(entry.storage, entry.begin); });
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry& one = entries_[i];
    if (one.is_parameter && overlaps_itself(one.tensor, one.begin, one.end))
      refuse(one, "itself, as expand() makes it");
    for (std::size_t k = i + 1; k < entries_.size(); ++k) {
      const Entry& other = entries_[k];
      if (other.storage != one.storage || other.begin >= one.end) break;
      const bool same = other.tensor.is_same(one.tensor);
      if (same && one.is_parameter == other.is_parameter) continue;  // [ashlar.model.5], or one buffer twice
      const long end = std::max(one.end, other.end);
      const bool dense =
          one.tensor.is_non_overlapping_and_dense() && other.tensor.is_non_overlapping_and_dense();
      if (!dense && !bytes_of(one.tensor, one.begin, end)
                         .logical_and(bytes_of(other.tensor, one.begin, end))
                         .any()
                         .item()
                         .toBool())
        continue;
      for (const Entry* entry : {&one, &other}) {
        if (entry->is_parameter || !entry->tensor.is_contiguous() || entry->tensor.device() != device)
          refuse(other, "'" + one.name + "'");
        staying_.push_back(entry->tensor.unsafeGetTensorImpl());
      }
    }
  }
  entries_.clear();  // or they would keep memory alive that moves into flats
}

bool Sharing::stays(const Tensor& buffer) const {
  return std::ranges::find(staying_, buffer.unsafeGetTensorImpl()) != staying_.end();
}

}  // namespace ashlar
