#include <ashlar/engine/binding.hpp>

#include <mutex>

#include <ashlar/error.hpp>

namespace ashlar {

namespace {

// Of all trainers in the process.
std::mutex guard;
std::unordered_set<const void*>& claimed() {
  static std::unordered_set<const void*> all;
  return all;
}

}  // namespace

Claims::~Claims() {
  const std::scoped_lock lock(guard);
  for (const void* parameter : claimed_) claimed().erase(parameter);
}

void Claims::add(const Tensor& parameter, const std::string& name) {
  const std::scoped_lock lock(guard);
  const void* key = parameter.unsafeGetTensorImpl();
  const bool bytes = parameter.numel() == 0 || parameter.storage().data() != nullptr;
  if (!bytes || !claimed().insert(key).second)
    throw Error("model.17", "a torch module that no other trainer trains or has sharded",
                "'" + name + "', which one does or has",
                "make a module for each trainer, and take values by full_parameters()");
  claimed_.push_back(key);
}

}  // namespace ashlar
