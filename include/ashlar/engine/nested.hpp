// Nested: a module that runs as one node of the outer autograd graph, with a graph of its own inside.
//
// Before the node's backward its unit becomes whole; after it the unit's gradient is complete, which no hook
// on a single parameter could know. Recomputation is the same node that keeps its inputs instead of its inner
// graph.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <deque>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <ashlar/engine/recomputation.hpp>
#include <ashlar/model/bind.hpp>
#include <ashlar/model/module_id.hpp>
#include <ashlar/model/visit.hpp>
#include <ashlar/tensor.hpp>

namespace c10 {
class Error;
}
namespace torch::autograd {
struct AutogradContext;
}

namespace ashlar {

using torch::autograd::AutogradContext;
using variable_list = std::vector<Tensor>;

// A module at which run() stops: a unit, a recomputed layer, or both.
struct Site {
  ModuleId id{};
  int unit = -1;                              // -1 for a recomputed layer that is no unit
  void* host = nullptr;                       // the Training that owns the site
  variable_list inputs{}, outputs{};          // of the inner graph, from forward to backward
  std::size_t products = Recomputation::all;  // that the second forward of a recomputed layer makes
  std::optional<variable_list> buffers{};     // of a recomputed layer, once it has run

  // A leaf that makes autograd run the node's backward whatever the module's inputs are, and leads it back to
  // the site: the tensor's bytes are the site itself.
  Tensor anchor{};
};

// The sites of a model, in order of declaration.
class Sites {
 public:
  void add(const ModuleId& id, int unit, void* host);
  // Modules run in the order in which they are declared, so the site is the one after the last, or near it.
  Site& at(const ModuleId& id);
  bool empty() const { return sites_.empty(); }

 private:
  std::deque<Site> sites_;  // never moved
  std::size_t next_ = 0;
};

namespace detail {

// The two passes of a node, and the module's own forward, each compiled for one kind of module.
using ModuleForward = variable_list (*)(const Site&, const variable_list& inputs);
struct Passes {
  variable_list (*forward)(AutogradContext&, Site&, const variable_list& inputs);
  variable_list (*backward)(AutogradContext&, Site&, const variable_list& saved,
                            const variable_list& gradients);
};

// Runs passes.forward now and passes.backward in the outer graph's backward. `passes` must last as long.
variable_list run_as_node(const Passes& passes, Site& site, const variable_list& inputs);

// A forward that makes the inner graph, from leaves that share the inputs' memory, and returns the outputs
// outside it.
variable_list forward_once(AutogradContext& ctx, Site& site, const variable_list& inputs,
                           ModuleForward module);
// One that keeps the inputs, the buffers before it, the random state, what LibTorch casts to and what the
// layer sets aside: in ctx and not in the site, for a layer that is no unit may run twice. Autograd is off.
variable_list forward_first(AutogradContext& ctx, Site& site, const variable_list& inputs,
                            ModuleForward module);
// The same again, which makes the inner graph; and all of it, where it reads a product that it did not the
// last time.
void forward_again(AutogradContext& ctx, Site& site, const variable_list& saved, ModuleForward module);

// While there is one, a recomputed layer's buffers may be what they were before its first forward. Then they
// are again what they are now.
class BuffersGuard {
 public:
  explicit BuffersGuard(const Site& site);
  ~BuffersGuard();
  BuffersGuard(const BuffersGuard&) = delete;
  BuffersGuard& operator=(const BuffersGuard&) = delete;

 private:
  const Site& site_;
  variable_list now_;
};

// A node runs its backward once, in the step's own. Throws train.21 in any other one, which goes through the
// unit `name`, or through a recomputed layer that is none. `running`: whether the step's own runs.
void require_own_backward(bool running, const Name& name);
// Throws train.21, too, if autograd::grad was asked for the gradient of a tensor that it did not find: a node
// hides its parameters.
void explain_unused(const c10::Error&);

// Runs the inner graph's backward and takes it down. `gradients`: of the outputs that are defined. Returns
// those of the inputs that are.
variable_list backward(Site& site, const variable_list& gradients);

}  // namespace detail

// `arity`: how many tensors the module takes.
template <class Host, class Module, std::size_t arity>
struct Nested {
  static variable_list run(Site& site, const variable_list& inputs) {
    return detail::run_as_node(passes, site, inputs);
  }

 private:
  static constexpr bool is_unit = Host::template is_unit<Module>;
  static constexpr bool recomputes = Host::template recomputes<Module>;

  static Host& host(const Site& site) { return *static_cast<Host*>(site.host); }

  static const Module& module_of(const Site& site) { return *static_cast<const Module*>(site.id.module); }

  static variable_list call(const Site& site, const variable_list& inputs) {
    return host(site).run().call_list(module_of(site), inputs, std::make_index_sequence<arity>());
  }

  static variable_list buffers_of(const Site& site) {
    variable_list buffers;
    for_each_tensor(module_of(site), [&](const Name&, auto& member, Role role) {
      if (role != Role::buffer) return;
      if constexpr (buffer<std::remove_reference_t<decltype(member)>>)
        buffers.push_back(*member);
      else if constexpr (std::is_same_v<std::remove_cvref_t<decltype(member)>, Tensor>)
        buffers.push_back(member);
    });
    return buffers;
  }

  static variable_list forward(AutogradContext& ctx, Site& site, const variable_list& inputs) {
    if constexpr (is_unit) host(site).engine().enter(site.unit);
    if constexpr (recomputes)
      if (!site.buffers) site.buffers = buffers_of(site);
    constexpr auto pass = recomputes ? detail::forward_first : detail::forward_once;
    variable_list outputs = pass(ctx, site, inputs, call);
    if constexpr (is_unit) host(site).engine().after_forward(site.unit);
    return outputs;
  }

  static variable_list backward(AutogradContext& ctx, Site& site, const variable_list& saved,
                                const variable_list& gradients) {
    auto& engine = host(site).engine();
    detail::require_own_backward(engine.in_backward(),
                                 is_unit ? engine.units()[static_cast<std::size_t>(site.unit)].name : Name());
    if constexpr (is_unit) engine.before_backward(site.unit);
    variable_list result;
    if constexpr (recomputes) {
      const detail::BuffersGuard guard(site);
      engine.computes(site.unit, "forward again");
      detail::forward_again(ctx, site, saved, call);
      engine.computed();
      result = detail::backward(site, gradients);
    } else {
      result = detail::backward(site, gradients);
    }
    if constexpr (is_unit) engine.after_backward(site.unit);
    return result;
  }

  static constexpr detail::Passes passes{forward, backward};
};

}  // namespace ashlar
