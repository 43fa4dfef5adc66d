#include <ashlar/engine/intact.hpp>

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <utility>

namespace ashlar {

namespace {

std::int64_t version_of(const Tensor& tensor) {
  return tensor.is_inference() ? 0 : tensor._version();
}

}  // namespace

void Intact::add(std::string name, const Tensor& parameter, const Flat& flat, Writes writes) {
  entries_.push_back({std::move(name), parameter, &flat, parameter.storage_offset(), parameter.sizes().vec(),
                      parameter.requires_grad(), writes, version_of(parameter), 0});
}

std::optional<Error> Intact::breach(When when, bool alone) {
  if (spoilt_) return spoilt_;
  for (Entry& entry : entries_) {
    const Tensor& now = entry.parameter;
    if (!entry.flat->holds(now) || now.storage_offset() != entry.offset || now.sizes() != entry.sizes ||
        !now.is_contiguous())
      return Error("parameter.1", "the parameters of a model to stay where make() put them",
                   "'" + entry.name + "' with other bytes, as of torch::load, to() or set_data",
                   "load or convert the module before make(), or state::resume() a checkpoint after it");
    if (now.requires_grad() != entry.trained)
      return Error(
          "parameter.2", "the parameters that make() found to be trained, and no others",
          "'" + entry.name + "' " + (entry.trained ? "frozen" : "unfrozen") + " since",
          "call requires_grad_() before make(), or make a trainer of a new module with the values of "
          "full_parameters()");
    if (version_of(now) == entry.version) continue;
    const bool in_forward = when == When::in_forward;
    const bool lasts = entry.writes == Writes::last && (alone || !in_forward);
    if (lasts || entry.writes == Writes::vanish) entry.version = version_of(now);
    written_ |= lasts && !in_forward;
    if (lasts) continue;
    if (in_forward) {
      Error error("parameter.3", "a forward that leaves parameters as they are",
                  "'" + entry.name + "' changed in place, as an Embedding with max_norm does",
                  "compute the changed value, as w * (max_norm / w.norm(2, 1, true)).clamp_max(1), and leave "
                  "the parameter to the optimizer");
      if (entry.writes != Writes::vanish) spoilt_ = error;
      return error;
    }
    return Error("parameter.4", "parameters to be written where the optimizer updates them",
                 "'" + entry.name + "' changed in place, which the next update would undo",
                 "write it before make(), or train by precision::Fp32 and offload::None");
  }
  return std::nullopt;
}

bool Intact::released() const {
  return std::ranges::any_of(entries_,
                             [](const Entry& entry) { return entry.parameter.use_count() < entry.holders; });
}

void Intact::settle() {
  for (Entry& entry : entries_) entry.holders = entry.parameter.use_count();
}

std::optional<Error> Intact::replaced(std::size_t n, const std::string& name, const Tensor& own) const {
  if (n < entries_.size() && entries_[n].parameter.is_same(own)) return std::nullopt;
  return Error("parameter.7", "the parameters that the modules had when make() was called",
               "'" + name + "' registered since, which nothing trains",
               "replace modules before make(), or make a trainer of the new one");
}

void require_versions() {
  if (c10::InferenceMode::is_enabled())
    throw Error("model.21", "a trainer to be made outside of InferenceMode", "make() inside of it",
                "end the guard before make()");
}

void require_versions(const Tensor& parameter, const std::string& name) {
  if (parameter.is_inference())
    throw Error("model.21", "a model that was made outside of InferenceMode",
                "'" + name + "' made inside of it", "make the module without the guard");
}

Error breach_elsewhere() {
  return {"parameter.5", "parameters that every rank's optimizer alone updates",
          "one that another rank has changed, frozen or replaced", "read that rank's own error"};
}

}  // namespace ashlar
