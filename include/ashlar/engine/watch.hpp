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

// Runs children without gradients, as Run does. found() is the number in `modules` of the first to return an
// infinity or NaN, or none.
template <class Host>
class Watch {
 public:
  static constexpr long none = std::numeric_limits<long>::max();

  Watch(Host& host, const std::vector<ModuleName>& modules) : host_(host), modules_(modules) {}

  template <class Module>
  auto operator()(const Module& module, const auto&... inputs) {
    if constexpr (Host::template is_unit<Module>) host_.engine().enter(host_.site(module).unit);
    auto output = call(module, *this, inputs...);
    if constexpr (Host::template is_unit<Module>) host_.engine().after_forward(host_.site(module).unit);
    if constexpr (std::is_same_v<decltype(output), Tensor>)
      if (found_ == none && output.defined() && !all_finite(output)) found_ = number(module);
    return output;
  }

  long found() const { return found_; }

 private:
  template <class Module>
  long number(const Module& module) const {
    for (size_t i = 0; i < modules_.size(); ++i)
      if (modules_[i].id == id_of(module)) return static_cast<long>(i);
    return none;
  }

  Host& host_;
  const std::vector<ModuleName>& modules_;
  long found_ = none;
};

}  // namespace ashlar
