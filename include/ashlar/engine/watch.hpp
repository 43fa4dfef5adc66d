// Watch: an executor that runs a forward again to find the first module whose output is not finite.
#pragma once

#include <ATen/core/Tensor.h>

#include <limits>
#include <string>
#include <vector>

#include <ashlar/model/call.hpp>
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

// Runs children without gradients, as Run does, and looks at what they return.
template <class Host>
class Watch {
 public:
  Watch(Host& host, const std::vector<ModuleName>& modules) : host_(host), found_(modules) {}

  template <class Module>
  auto operator()(const Module& module, const auto&... inputs) {
    if constexpr (Host::template is_unit<Module>) host_.engine().enter(host_.site(module).unit);
    auto output = call(module, *this, inputs...);
    if constexpr (Host::template is_unit<Module>) host_.engine().after_forward(host_.site(module).unit);
    if constexpr (std::is_same_v<decltype(output), Tensor>) found_.look(id_of(module), output);
    return output;
  }

  long found() const { return found_.number(); }

 private:
  Host& host_;
  Found found_;
};

}  // namespace ashlar
