// Run: the executor that a trainer hands to forward. run(child, inputs...) is how units meet the engine.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/engine/nested.hpp>
#include <ashlar/engine/recomputation.hpp>
#include <ashlar/engine/watch.hpp>
#include <ashlar/model/call.hpp>
#include <ashlar/model/module_id.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar {

template <class Host>
class Run {
 public:
  explicit Run(Host& host) : host_(host) {}

  template <class Module, class... Inputs>
  auto operator()(const Module& module, const Inputs&... inputs) {
    constexpr bool stops = Host::template is_unit<Module> || Host::template recomputes<Module>;
    if constexpr (torch_module<Module>)
      if (at::GradMode::is_enabled()) host_.require_declared(*module);
    if constexpr (stops) static_assert(explain_inputs<Inputs...>());
    if constexpr (stops && tensors_only<Inputs...>) {
      using Output = decltype(call(module, *this, inputs...));
      if constexpr (one_or_several<Output, Tensor>) {
        variable_list outputs = stop(module, {inputs...}, std::index_sequence_for<Inputs...>());
        if constexpr (std::is_same_v<Output, Tensor>)
          return seen(id_of(module), std::move(outputs[0]));
        else
          return from_list<Output>(std::move(outputs));
      } else {
        static_assert(explain_output<Module>());
        return call(module, *this, inputs...);
      }
    } else if constexpr (std::is_same_v<decltype(call(module, *this, inputs...)), Tensor>) {
      return seen(id_of(module), call(module, *this, inputs...));
    } else {
      return call(module, *this, inputs...);
    }
  }

  // Of a call whose mistake has been explained.
  static Tensor in_place_of_output() { return {}; }

  // The module's forward on a list of inputs, its outputs as a list.
  template <size_t... i>
  variable_list call_list(const auto& module, const variable_list& inputs, std::index_sequence<i...>) {
    return to_list(call(module, *this, inputs[i]...));
  }

  // What modules return is shown to `found`, or to nobody if it is null.
  void watch(Found* found) { watching_ = found; }

 private:
  Tensor seen(const ModuleId& module, Tensor output) {
    if (watching_ != nullptr) watching_->look(module, output);
    return output;
  }

  template <class Module, size_t... i>
  variable_list stop(const Module& module, const variable_list& inputs, std::index_sequence<i...> count) {
    Site& site = host_.site(module);
    const Recomputation::Pause pause;
    if (at::GradMode::is_enabled()) return Nested<Host, Module, sizeof...(i)>::run(site, inputs);
    if constexpr (Host::template is_unit<Module>) host_.engine().enter(site.unit);
    variable_list outputs = call_list(module, inputs, count);
    if constexpr (Host::template is_unit<Module>) host_.engine().after_forward(site.unit);
    return outputs;
  }

  static variable_list to_list(Tensor output) { return {std::move(output)}; }
  static variable_list to_list(variable_list outputs) { return outputs; }
  template <size_t count>
  static variable_list to_list(const std::array<Tensor, count>& outputs) {
    return {outputs.begin(), outputs.end()};
  }

  template <class Output>
  static Output from_list(variable_list outputs) {
    if constexpr (std::is_same_v<Output, variable_list>) {
      return outputs;
    } else {
      Output array;
      std::ranges::move(outputs, array.begin());
      return array;
    }
  }

  Host& host_;
  Found* watching_ = nullptr;
};

}  // namespace ashlar
