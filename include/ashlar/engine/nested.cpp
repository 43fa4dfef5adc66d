#include <ashlar/engine/nested.hpp>

#include <ATen/ops/from_blob.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <ashlar/engine/autocast.hpp>
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

// Those that are defined, which are all that autograd takes and returns.
variable_list defined(const variable_list& tensors) {
  variable_list some;
  std::ranges::copy_if(tensors, std::back_inserter(some), [](const Tensor& t) { return t.defined(); });
  return some;
}

struct Node : torch::autograd::Function<Node> {
  static constexpr std::size_t others = 5;  // arguments before what has a gradient

  // `anchor` and `ends` are arguments only to be inputs of the node.
  static variable_list forward(AutogradContext* ctx, const Passes* passes, Site* site,
                               const variable_list* inputs, variable_list* outputs,
                               [[maybe_unused]] const Tensor& anchor, [[maybe_unused]] at::TensorList ends) {
    ctx->saved_data["passes"] = reinterpret_cast<std::int64_t>(passes);
    *outputs = passes->forward(*ctx, *site, *inputs);
    return defined(*outputs);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto* passes = reinterpret_cast<const Passes*>(ctx->saved_data["passes"].toInt());
    const variable_list saved = ctx->get_saved_variables();
    Site& site = *static_cast<Site*>(saved[0].data_ptr());
    variable_list result(others);
    for (Tensor& gradient : passes->backward(*ctx, site, saved, gradients))
      result.push_back(std::move(gradient));
    return result;
  }
};

// How often it has been changed in place.
std::int64_t version_of(const Tensor& input) {
  return input.defined() && !input.is_inference() ? input._version() : 0;
}

// How LibTorch refuses to change a leaf, which an input of the inner graph is, and so is a parameter.
constexpr std::string_view changed_leaf =
    "leaf Variable that requires grad is being used in an in-place operation";

[[noreturn]] void refuse_in_place() {
  throw Error("model.19", "a unit, or a recomputed layer, to leave its inputs and parameters as they are",
              "one that changes one of them in place, where autograd would lose the change",
              "write x = x * s for x.mul_(s), or leave the layer out of Wrap and Checkpoint");
}

void build_inner(Site& site, const variable_list& inputs, ModuleForward module) {
  const at::AutoGradMode enable(true);
  site.inputs.clear();
  for (const Tensor& input : inputs) {
    Tensor leaf = input.defined() ? input.detach() : input;
    if (leaf.defined() && input.requires_grad()) leaf.requires_grad_();
    site.inputs.push_back(std::move(leaf));
  }
  try {
    site.outputs = module(site, site.inputs);
  } catch (const c10::Error& error) {
    if (std::string_view(error.what_without_backtrace()).find(changed_leaf) == std::string_view::npos) throw;
    refuse_in_place();
  }
  for (const Tensor& leaf : site.inputs)
    if (leaf.defined() && !leaf.is_leaf()) refuse_in_place();
}

// Past autograd, which compares versions of what it saved: a graph that is over may have saved a buffer.
void write(const variable_list& buffers, const variable_list& values) {
  for (std::size_t i = 0; i < buffers.size(); ++i) buffers[i].variable_data().copy_(values[i]);
}

}  // namespace

variable_list run_as_node(const Passes& passes, Site& site, const variable_list& inputs) {
  const variable_list ends = defined(inputs);
  variable_list outputs,
      own = Node::apply(&passes, &site, &inputs, &outputs, site.anchor, at::TensorList(ends));
  auto next = own.begin();
  for (Tensor& output : outputs)
    if (output.defined()) output = std::move(*next++);
  return outputs;
}

BuffersGuard::BuffersGuard(const Site& site) : site_(site) {
  for (const Tensor& buffer : *site.buffers) now_.push_back(buffer.clone());
}

BuffersGuard::~BuffersGuard() {
  write(*site_.buffers, now_);
}

variable_list forward_once(AutogradContext& ctx, Site& site, const variable_list& inputs,
                           ModuleForward module) {
  ctx.save_for_backward({site.anchor});
  build_inner(site, inputs, module);
  variable_list outputs;
  for (const Tensor& output : site.outputs) outputs.push_back(output.defined() ? output.detach() : output);
  return outputs;
}

variable_list forward_first(AutogradContext& ctx, Site& site, const variable_list& inputs,
                            ModuleForward module) {
  variable_list saved{site.anchor};
  for (const Tensor& buffer : *site.buffers) saved.push_back(buffer.clone());
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
  for (const variable_list& part : {inputs, random.tensors(), first.kept()})
    saved.insert(saved.end(), part.begin(), part.end());
  ctx.save_for_backward(std::move(saved));
  ctx.saved_data["autocast"] = Autocast::now().numbers();
  ctx.saved_data["inputs"] = static_cast<std::int64_t>(inputs.size());
  ctx.saved_data["kept"] = static_cast<std::int64_t>(first.kept().size());
  return outputs;
}

void forward_again(AutogradContext& ctx, Site& site, const variable_list& saved, ModuleForward module) {
  const auto buffers = saved.begin() + 1, inputs = buffers + static_cast<long>(site.buffers->size()),
             random = inputs + ctx.saved_data["inputs"].toInt();
  const auto kept = saved.end() - ctx.saved_data["kept"].toInt();
  const AutocastGuard casts(Autocast(ctx.saved_data["autocast"].toIntVector()));
  for (bool read = false; !read;) {
    write(*site.buffers, {buffers, inputs});
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

void explain_unused(const c10::Error& error) {
  constexpr std::string_view unused = "differentiated Tensors appears to not have been used in the graph";
  if (std::string_view(error.what_without_backtrace()).find(unused) == std::string_view::npos) return;
  throw Error(
      "train.21", "autograd::grad for tensors that what it differentiates depends on, outside of units",
      "one for another tensor, such as a parameter of a unit or of a recomputed layer",
      "write wrap::WholeModel and checkpoint::None, or leave the types of the layers that hold it out of "
      "both");
}

variable_list backward(Site& site, const variable_list& gradients) {
  variable_list roots, seeds;
  auto next = gradients.begin();
  for (const Tensor& output : site.outputs) {
    if (!output.defined()) continue;
    const Tensor& gradient = *next++;
    if (!output.requires_grad() || !gradient.defined()) continue;
    roots.push_back(output);
    seeds.push_back(gradient);
  }
  if (!roots.empty()) torch::autograd::backward(roots, seeds);
  variable_list result;
  for (const Tensor& input : site.inputs)
    if (input.defined()) result.push_back(input.grad());
  site.inputs.clear();
  site.outputs.clear();
  return result;
}

}  // namespace detail
}  // namespace ashlar
