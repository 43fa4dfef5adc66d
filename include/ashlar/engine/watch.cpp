#include <ashlar/engine/watch.hpp>

#include <ATen/ATen.h>

#include <algorithm>

namespace ashlar {

bool all_finite(const Tensor& tensor) {
  return !at::isFloatingType(tensor.scalar_type()) || at::isfinite(tensor).all().item().toBool();
}

void Found::look(const ModuleId& id, const Tensor& output) {
  if (number_ != none || !output.defined() || all_finite(output)) return;
  const auto module = std::ranges::find(modules_, id, &ModuleName::id);
  if (module != modules_.end()) number_ = module - modules_.begin();
}

}  // namespace ashlar
