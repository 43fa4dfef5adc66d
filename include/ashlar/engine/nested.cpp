#include <ashlar/engine/nested.hpp>

#include <ATen/ops/from_blob.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstdint>

#include <ashlar/engine/random_state.hpp>
#include <ashlar/error.hpp>
#include <ashlar/nn/weight_gradient.hpp>

namespace ashlar {

void Sites::add(const ModuleId& id, int unit, void* host) {
  Site& site = sites_.emplace_back();
  site.id = id;
  site.unit = unit;
  site.host = host;
  site.anchor = at::from_blob(&site, {static_cast<long>(sizeof(Site) / sizeof(float))}, at::kFloat);
  site.anchor.requires_grad_(true);
}

Site& Sites::at(const ModuleId& id) {
  for (std::size_t tried = 0; tried < sites_.size(); ++tried) {
    Site& site = sites_[next_];
    next_ = next_ + 1 == sites_.size() ? 0 : next_ + 1;
    if (site.id == id) return site;
  }
  throw Error("model.6", "run() to be given a member of the trainer's model", "another module",
              "pass the member itself, not a copy");
}

namespace detail {
namespace {

struct Node : torch::autograd::Function<Node> {
  static variable_list forward(AutogradContext* ctx, const Passes* passes, Site* site, const Tensor& anchor,
                               at::TensorList inputs) {
    static_cast<void>(anchor);  // an argument only to be an input of the node
    ctx->saved_data["passes"] = reinterpret_cast<std::int64_t>(passes);
    return passes->forward(*ctx, *site, inputs.vec());
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto* passes = reinterpret_cast<const Passes*>(ctx->saved_data["passes"].toInt());
    const variable_list saved = ctx->get_saved_variables();
    Site& site = *static_cast<Site*>(saved[0].data_ptr());
    variable_list result(3);  // of the passes, the site and the anchor
    for (Tensor& gradient : passes->backward(*ctx, site, saved, gradients))
      result.push_back(std::move(gradient));
    return result;
  }
};

// How often it has been changed in place.
std::int64_t version_of(const Tensor& input) {
  return input.defined() && !input.is_inference() ? input._version() : 0;
}

void build_inner(Site& site, const variable_list& inputs, ModuleForward module) {
  const at::AutoGradMode enable(true);
  site.inputs.clear();
  for (const Tensor& input : inputs) {
    Tensor leaf = input.defined() ? input.detach() : input;
    if (leaf.defined() && at::isFloatingType(leaf.scalar_type())) leaf.requires_grad_(input.requires_grad());
    site.inputs.push_back(std::move(leaf));
  }
  site.outputs = module(site, site.inputs);
}

}  // namespace

variable_list run_as_node(const Passes& passes, Site& site, const variable_list& inputs) {
  return Node::apply(&passes, &site, site.anchor, at::TensorList(inputs));
}

variable_list forward_once(AutogradContext& ctx, Site& site, const variable_list& inputs,
                           ModuleForward module) {
  ctx.save_for_backward({site.anchor});
  build_inner(site, inputs, module);
  variable_list outputs;
  for (const Tensor& output : site.outputs) outputs.push_back(output.detach());
  return outputs;
}

variable_list forward_first(AutogradContext& ctx, Site& site, const variable_list& inputs,
                            ModuleForward module) {
  std::vector<std::int64_t> versions;
  for (const Tensor& input : inputs) versions.push_back(version_of(input));
  RandomState random = RandomState::now(inputs);
  const Recomputation first;
  variable_list outputs = module(site, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (version_of(inputs[i]) != versions[i])
      throw Error("model.19", "a recomputed layer to leave its inputs as they are",
                  "one that changes an input in place, which its second forward would find changed",
                  "write x = x * s for x.mul_(s), or leave the layer out of Checkpoint");
  variable_list saved{site.anchor};
  for (const variable_list& part : {inputs, random.tensors(), first.kept()})
    saved.insert(saved.end(), part.begin(), part.end());
  ctx.save_for_backward(std::move(saved));
  ctx.saved_data["inputs"] = static_cast<std::int64_t>(inputs.size());
  ctx.saved_data["kept"] = static_cast<std::int64_t>(first.kept().size());
  return outputs;
}

void forward_again(AutogradContext& ctx, Site& site, const variable_list& saved, ModuleForward module) {
  const auto inputs = saved.begin() + 1, random = inputs + ctx.saved_data["inputs"].toInt();
  const auto kept = saved.end() - ctx.saved_data["kept"].toInt();
  for (bool read = false; !read;) {
    const variable_list own(inputs, random);
    const RandomStateGuard guard(RandomState(own, {random, kept}));
    const Recomputation second({kept, saved.end()}, site.products);
    build_inner(site, own, module);
    const std::size_t due = second.read_by(site.outputs);
    read = due <= site.products;
    site.products = read ? due : Recomputation::all;
  }
}

void require_own_backward(bool running, const Name& name) {
  if (running && nn::leads_to_every_leaf()) return;
  throw Error("train.21",
              "gradients to go through a unit or a recomputed layer in step()'s own backward alone",
              "a gradient taken besides, through " +
                  (name.size > 0 ? "unit '" + std::string(name.view()) + "'" : "a recomputed layer"),
              "write wrap::WholeModel and checkpoint::None, or leave the types of the layers that it goes "
              "through out of both");
}

variable_list backward(Site& site, const variable_list& gradients) {
  variable_list roots, seeds;
  for (std::size_t i = 0; i < site.outputs.size(); ++i) {
    if (!site.outputs[i].requires_grad() || !gradients[i].defined()) continue;
    roots.push_back(site.outputs[i]);
    seeds.push_back(gradients[i]);
  }
  if (!roots.empty()) torch::autograd::backward(roots, seeds);
  variable_list result;
  for (const Tensor& input : site.inputs) result.push_back(input.grad());
  site.inputs.clear();
  site.outputs.clear();
  return result;
}

}  // namespace detail
}  // namespace ashlar
