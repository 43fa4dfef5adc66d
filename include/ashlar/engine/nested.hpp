// Nested: a module that runs as one node of the outer autograd graph, with a graph of its own inside.
//
// Before the node's backward its unit becomes whole; after it the unit's gradient is complete, which no hook
// on a single parameter could know. Recomputation is the same node that keeps its inputs instead of its inner
// graph.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <ashlar/engine/random_state.hpp>
#include <ashlar/engine/recomputation.hpp>
#include <ashlar/error.hpp>
#include <ashlar/model/module_id.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// A module at which run() stops: a unit, a recomputed layer, or both.
struct Site {
  ModuleId id{};
  int unit = -1;                              // -1 for a recomputed layer that is no unit
  void* host = nullptr;                       // the Training that owns the site
  variable_list inputs{}, outputs{};          // of the inner graph, from forward to backward
  std::size_t products = Recomputation::all;  // that the second forward of a recomputed layer makes

  // A leaf that makes autograd run the node's backward whatever the module's inputs are, and leads it back to
  // the site: the tensor's bytes are the site itself.
  Tensor anchor{};
};

// `arity`: how many tensors the module takes.
template <class Host, class Module, size_t arity>
struct Nested : torch::autograd::Function<Nested<Host, Module, arity>> {
  static constexpr bool is_unit = Host::template is_unit<Module>;
  static constexpr bool recomputes = Host::template recomputes<Module>;

  static variable_list forward(AutogradContext* ctx, Site* site, const Tensor& anchor, at::TensorList list) {
    const variable_list inputs = list.vec();
    Host& host = *static_cast<Host*>(site->host);
    const auto& module = *static_cast<const Module*>(site->id.module);
    if constexpr (is_unit) host.engine().enter(site->unit);
    variable_list outputs;
    if constexpr (recomputes) {
      outputs = first_forward(ctx, host, module, anchor, inputs);
    } else {
      ctx->save_for_backward({anchor});
      build(host, module, *site, inputs);
      for (const Tensor& output : site->outputs) outputs.push_back(output.detach());
    }
    if constexpr (is_unit) host.engine().after_forward(site->unit);
    return outputs;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    Site& site = *static_cast<Site*>(saved[0].data_ptr());
    Host& host = *static_cast<Host*>(site.host);
    if constexpr (is_unit) host.engine().before_backward(site.unit);
    if constexpr (recomputes) {
      host.engine().computes(site.unit, "forward again");
      second_forward(ctx, host, *static_cast<const Module*>(site.id.module), site, saved);
      host.engine().computed();
    }
    run_backward(site, gradients);
    variable_list result(2);  // of the site and the anchor
    for (Tensor& input : site.inputs) result.push_back(input.grad());
    site.inputs.clear();
    site.outputs.clear();
    if constexpr (is_unit) host.engine().after_backward(site.unit);
    return result;
  }

 private:
  static constexpr auto all_inputs = std::make_index_sequence<arity>();

  // Keeps the inputs, the random state and what the layer sets aside: here and not in the site, for a layer
  // that is no unit may run twice. Autograd is off.
  static variable_list first_forward(AutogradContext* ctx, Host& host, const Module& module,
                                     const Tensor& anchor, const variable_list& inputs) {
    const std::vector<std::int64_t> versions = versions_of(inputs);
    RandomState random = RandomState::now(inputs);
    const Recomputation first;
    variable_list outputs = host.run().call_list(module, inputs, all_inputs);
    if (versions_of(inputs) != versions)
      throw Error("model.19", "a recomputed layer to leave its inputs as they are",
                  "one that changes an input in place, which its second forward would find changed",
                  "write x = x * s for x.mul_(s), or leave the layer out of Checkpoint");
    variable_list saved{anchor};
    for (const variable_list& part : {inputs, random.tensors(), first.kept()})
      saved.insert(saved.end(), part.begin(), part.end());
    ctx->save_for_backward(std::move(saved));
    ctx->saved_data["kept"] = static_cast<std::int64_t>(first.kept().size());
    return outputs;
  }

  // Again, and all of it, where it reads a product that it did not the last time.
  static void second_forward(AutogradContext* ctx, Host& host, const Module& module, Site& site,
                             const variable_list& saved) {
    const auto inputs = saved.begin() + 1, random = inputs + arity;
    const auto kept = saved.end() - ctx->saved_data["kept"].toInt();
    for (bool read = false; !read;) {
      const variable_list own(inputs, random);
      const RandomStateGuard guard(RandomState(own, {random, kept}));
      const Recomputation second({kept, saved.end()}, site.products);
      build(host, module, site, own);
      const std::size_t due = second.read_by(site.outputs);
      read = due <= site.products;
      site.products = read ? due : Recomputation::all;
    }
  }

  // How often each has been changed in place.
  static std::vector<std::int64_t> versions_of(const variable_list& inputs) {
    std::vector<std::int64_t> versions;
    for (const Tensor& input : inputs)
      versions.push_back(input.defined() && !input.is_inference() ? input._version() : 0);
    return versions;
  }

  // Makes the inner graph: from leaves that share the inputs' memory to site.outputs.
  static void build(Host& host, const Module& module, Site& site, const variable_list& inputs) {
    const at::AutoGradMode enable(true);
    site.inputs.clear();
    for (const Tensor& input : inputs) {
      Tensor leaf = input.defined() ? input.detach() : input;
      if (leaf.defined() && at::isFloatingType(leaf.scalar_type()))
        leaf.requires_grad_(input.requires_grad());
      site.inputs.push_back(std::move(leaf));
    }
    site.outputs = host.run().call_list(module, site.inputs, all_inputs);
  }

  static void run_backward(const Site& site, const variable_list& gradients) {
    variable_list roots, seeds;
    for (size_t i = 0; i < site.outputs.size(); ++i) {
      if (!site.outputs[i].requires_grad() || !gradients[i].defined()) continue;
      roots.push_back(site.outputs[i]);
      seeds.push_back(gradients[i]);
    }
    if (!roots.empty()) torch::autograd::backward(roots, seeds);
  }
};

}  // namespace ashlar
