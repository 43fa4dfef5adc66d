// Found: the first module of a forward whose output is not finite.
#pragma once

#include <ATen/core/Tensor.h>

#include <limits>
#include <string>
#include <vector>

#include <ashlar/model/module_id.hpp>
#include <ashlar/model/visit.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar {

struct ModuleName {
  ModuleId id;
  Name name;
};

// Every module of a model, in order of declaration.
template <class M>
void list_modules(const M& node, const Name& name, std::vector<ModuleName>& list) {
  if constexpr (!parameter<M> && !buffer<M> && !tied<M>) list.push_back({id_of(node), name});
  if constexpr (declared_module<M>)
    for_each_child(node, name, [&](const Name& child, auto& member) { list_modules(member, child, list); });
}

bool all_finite(const Tensor& tensor);

// The number in `modules` of the first to return an infinity or NaN, or none.
class Found {
 public:
  static constexpr long none = std::numeric_limits<long>::max();

  explicit Found(const std::vector<ModuleName>& modules) : modules_(modules) {}

  void look(const ModuleId& id, const Tensor& output);
  long number() const { return number_; }

 private:
  const std::vector<ModuleName>& modules_;
  long number_ = none;
};

// Shows a Run's modules to `found` for a while.
template <class Run>
class Watching {
 public:
  Watching(Run& run, Found& found) : run_(run) { run_.watch(&found); }
  ~Watching() { run_.watch(nullptr); }
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;

 private:
  Run& run_;
};

}  // namespace ashlar
