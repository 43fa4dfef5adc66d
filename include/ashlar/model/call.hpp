// call: how an executor, having done what it does around a child, runs the child itself.
#pragma once

#include <ashlar/model/fits.hpp>
#include <ashlar/model/kinds.hpp>

namespace ashlar {

// The module's forward takes these inputs.
template <class M, class Run, class... Inputs>
concept runs_with = requires(const M& module, Run& run, const Inputs&... inputs) {
  requires !torch_module<M>;
  requires forward_fits<M, Run, Inputs...>;
} || requires(const M& module, const Inputs&... inputs) {
  requires torch_module<M>;
  module->forward(inputs...);
} || requires(const M& module, const Inputs&... inputs) {
  requires torch_module<M>;
  module.ptr()->forward(inputs...);
};

// Chosen where the module's forward does not take the inputs, and named by them alone: whoever runs it, the
// sentence is said once.
template <class M, class... Inputs>
concept takes_inputs = false;

template <class M, class... Inputs>
consteval bool explain_call() {
  static_assert(takes_inputs<M, Inputs...>,
                "[ashlar.model.11] a module's forward does not take what it is run with: write auto "
                "forward(auto& run, const auto& x) const, with a parameter for each input");
  return true;
}

// A declared module's forward gets the executor for its own children; a torch module runs its children
// itself.
template <class M, class Run, class... Inputs>
constexpr auto call(const M& module, Run& run, const Inputs&... inputs) {
  if constexpr (!runs_with<M, Run, Inputs...>) {
    static_assert(explain_call<M, Inputs...>());
    return [](const auto& first, const auto&...) { return first; }(inputs...);
  } else if constexpr (!torch_module<M>) {
    return module.forward(run, inputs...);
  } else if constexpr (requires { module.ptr(); }) {
    return module.ptr()->forward(
        inputs...);  // a holder's own -> is const, but forward of torch modules never is
  } else {
    return module->forward(inputs...);
  }
}

}  // namespace ashlar
