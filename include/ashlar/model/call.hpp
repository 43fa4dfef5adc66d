// call: how an executor, having done what it does around a child, runs the child itself.
#pragma once

#include <ashlar/model/kinds.hpp>

namespace ashlar {

// A declared module's forward gets the executor for its own children; a torch module runs its children
// itself.
template <class M>
constexpr auto call(const M& module, auto& run, const auto&... inputs) {
  if constexpr (!torch_module<M>)
    return module.forward(run, inputs...);
  else if constexpr (requires { module.ptr(); })
    return module.ptr()->forward(
        inputs...);  // a holder's own -> is const, but forward of torch modules never is
  else
    return module->forward(inputs...);
}

}  // namespace ashlar
