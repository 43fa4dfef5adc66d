#include <ashlar/engine/flat.hpp>

#include <ATen/ATen.h>

#include <algorithm>

#include <ashlar/error.hpp>

namespace ashlar {

namespace {

// Without bytes of its own.
c10::Storage sealed_like(const Tensor& whole) {
  c10::Storage storage(c10::Storage::use_byte_size_t(), whole.storage().nbytes(),
                       c10::DataPtr(nullptr, whole.device()), nullptr, false);
  storage.unsafeGetStorageImpl()->release_data_and_set_meta_custom_data_ptr_error_msg_(
      nn::read_while_sharded().what());
  return storage;
}

// Of those tensors that have `from`; a user may have given others to some.
void exchange(const std::vector<Tensor>& tensors, const c10::Storage& from, const c10::Storage& to) {
  for (const Tensor& tensor : tensors)
    if (tensor.storage().unsafeGetStorageImpl() == from.unsafeGetStorageImpl())
      tensor.unsafeGetTensorImpl()->set_storage_keep_dtype(to);
}

}  // namespace

void Leaf::begin(bool fresh) {
  gradient.fresh = fresh && !accumulates;
  if (!accumulates) return;
  Tensor& accumulated = tensor.mutable_grad();
  if (fresh && accumulated.defined())  // where it is read after its unit, too
    window.copy_(accumulated);
  else if (fresh)
    window.zero_();
  accumulated = window;
}

void Leaf::collect() {
  Tensor& accumulated = tensor.mutable_grad();
  if (!accumulated.defined()) {
    if (gradient.fresh) window.zero_();
  } else if (accumulated.is_same(window)) {
    // There already. After a zero_grad() of the user's it would not be.
  } else if (gradient.fresh) {
    window.copy_(accumulated);
  } else {
    window.add_(accumulated);
  }
  accumulated.reset();
  gradient.fresh = false;
}

bool Leaf::forget() {
  const bool had = tensor.grad().defined();
  tensor.mutable_grad().reset();
  return had;
}

Leaf& Flat::add_leaf(Tensor tensor, bool accumulates) {
  const Piece& piece = layout.pieces[leaves.size()];
  Leaf& leaf = leaves.emplace_back();
  leaf.window = window(grad, piece.offset, tensor.sizes());
  leaf.tensor = std::move(tensor);
  leaf.tensor.requires_grad_(true);
  leaf.accumulates = accumulates;
  leaf.self = at::from_blob(&leaf.gradient, {static_cast<long>(sizeof(leaf.gradient))}, at::kByte);
  leaf.gradient.window = &leaf.window;
  leaf.gradient.self = &leaf.self;
  leaf.gradient.leaf = &leaf.tensor;
  leaf.gradient.fresh = false;  // until its backward begins
  return leaf;
}

void Flat::seal() {
  if (of_modules.empty()) return;
  if (!sealed) sealed = sealed_like(whole);
  exchange(of_modules, whole.storage(), sealed);
}

void Flat::unseal() {
  if (sealed) exchange(of_modules, sealed, whole.storage());
}

bool Flat::holds(const Tensor& window) const {
  const auto* storage = window.has_storage() ? window.storage().unsafeGetStorageImpl() : nullptr;
  return storage == whole.storage().unsafeGetStorageImpl() ||
         (sealed && storage == sealed.unsafeGetStorageImpl());
}

void Flat::zero_padding() {
  for (const Gap& gap : layout.gaps) grad.narrow(0, gap.offset, gap.numel).zero_();
}

void Flat::begin_gradient(bool fresh) {
  for (Leaf& leaf : leaves) leaf.begin(fresh);
}

void Flat::collect_gradient() {
  for (Leaf& leaf : leaves) leaf.collect();
}

const Name* Flat::forget_gradients() {
  const Name* first = nullptr;
  for (size_t i = 0; i < leaves.size(); ++i)
    if (leaves[i].forget() && first == nullptr) first = &layout.pieces[i].name;
  return first;
}

void copy_overlap(const Tensor& target, long target_begin, const Tensor& values, long offset) {
  const long begin = std::max(target_begin, offset);
  const long end = std::min(target_begin + target.numel(), offset + values.numel());
  if (begin >= end) return;
  target.narrow(0, begin - target_begin, end - begin).copy_(values.narrow(0, begin - offset, end - begin));
}

}  // namespace ashlar
