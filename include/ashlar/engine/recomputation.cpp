#include <ashlar/engine/recomputation.hpp>

#include <ATen/ATen.h>
#include <ATen/SequenceNumber.h>
#include <torch/csrc/autograd/generated/Functions.h>

#include <algorithm>

namespace ashlar {

using torch::autograd::Node;
using torch::autograd::generated::AddBackward0;
using torch::autograd::generated::SubBackward0;

thread_local Recomputation* Recomputation::now_ = nullptr;

namespace {

// Of a leaf's node, which keeps nothing that a forward made.
constexpr std::uint64_t leaf = std::numeric_limits<std::uint64_t>::max();

// The number of the last node behind `node` that may have saved something, or `latest` where that is later.
// What is behind a node was made before it.
std::uint64_t last_reader(const Node& node, std::uint64_t latest) {
  if (node.sequence_nr() == leaf || node.sequence_nr() <= latest) return latest;
  if (dynamic_cast<const AddBackward0*>(&node) == nullptr &&
      dynamic_cast<const SubBackward0*>(&node) == nullptr)
    return node.sequence_nr();
  for (const auto& edge : node.next_edges())
    if (edge.function) latest = last_reader(*edge.function, latest);
  return latest;
}

}  // namespace

std::size_t Recomputation::read_by(const std::vector<Tensor>& outputs) const {
  std::uint64_t latest = 0;
  for (const Tensor& output : outputs)
    if (output.defined() && output.grad_fn()) latest = last_reader(*output.grad_fn(), latest);
  return static_cast<std::size_t>(std::ranges::upper_bound(begun_, latest) - begun_.begin());
}

bool Recomputation::leaves_out() {
  if (now_ == nullptr || !now_->second_) return false;
  now_->begun_.push_back(at::sequence_number::peek());
  return now_->begun_.size() > now_->products_;
}

Tensor Recomputation::zeros(const Tensor& x, const Tensor& weight) {
  std::vector<std::int64_t> sizes = x.sizes().vec();
  sizes.back() = weight.size(0);
  return at::zeros(sizes, x.options());
}

Recomputation::Results Recomputation::take() {
  Results results;
  for (Tensor& result : results) result = kept_[taken_++];
  return results;
}

}  // namespace ashlar
