// call: how an executor, having done what it does around a child, runs the child itself.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <vector>

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

// Frozen of what is no module.
template <class M>
inline constexpr bool freezes_a_part = false;
template <frozen M>
inline constexpr bool freezes_a_part<M> =
    parameter<typename M::frozen_module> || layer_list<typename M::frozen_module>;

// What has a forward. Through a Parameter, a Buffer, a Tied or a list a model reads its parameters and
// layers.
template <class M>
concept runs_by_itself = !parameter<M> && !buffer<M> && !tied<M> && !layer_list<M> && !freezes_a_part<M>;

template <class M, class... Inputs>
consteval bool explain_call() {
  if constexpr (!runs_by_itself<M>)
    static_assert(
        runs_by_itself<M>,
        "[ashlar.model.38] run() is given what has no forward, a Parameter, a Buffer, a Tied or a list of "
        "layers: write run(layer, x) for each layer of a list, and read what is tied, as in tied->weight");
  else
    static_assert(takes_inputs<M, Inputs...>,
                  "[ashlar.model.11] a module's forward does not take what it is run with: write auto "
                  "forward(auto& run, const auto& x) const, with a parameter for each input");
  return true;
}

// What a unit or a recomputed layer returns: one X, or an array or a vector of them.
template <class Output, class X>
inline constexpr bool one_or_several = std::is_same_v<Output, X> || std::is_same_v<Output, std::vector<X>>;
template <class X, std::size_t n>
inline constexpr bool one_or_several<std::array<X, n>, X> = true;

// Chosen where it returns something else, as takes_inputs is.
template <class M>
concept returns_tensors = false;

template <class M>
consteval bool explain_output() {
  static_assert(returns_tensors<M>,
                "[ashlar.model.39] a unit or recomputed layer returns a Tensor, or a std::array or "
                "std::vector of them, "
                "between which autograd sees one node: return one of these, or wrap another type");
  return true;
}

// A declared module's forward gets the executor for its own children; a torch module runs its children
// itself.
template <class M, class Run, class... Inputs>
constexpr auto call(const M& module, Run& run, const Inputs&... inputs) {
  if constexpr (!runs_by_itself<M> || !runs_with<M, Run, Inputs...>) {
    static_assert(explain_call<M, Inputs...>());
    if constexpr (requires { run.in_place_of_output(); })
      return run.in_place_of_output();
    else
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
