// processes: 1
// Trainer<Replicate, Fp32, None, WholeModel> in a world of one calls the LibTorch operators of the loop that
// the benchmarks have written by hand (benchmarks/plain_gpt.hpp), one for one. Around forward and backward
// each has its own way with gradients and norms, which is written out here.
//
// Compared are the operators that compute, with the sizes of their inputs. Left out are those that only name
// elements anew, make a tensor without values, or call others that are noted themselves. (Under mpirun only
// to be left out of the debug build, in which RecordFunction checks a member that LibTorch's own build never
// sets.)
#include <ATen/ATen.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/solo.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/policies.hpp>

#include "../../benchmarks/plain_gpt.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

constexpr models::GptShape shape{.vocabulary = 11, .context = 9, .layers = 2, .heads = 3, .dim = 12};
using Gpt = models::Gpt<shape>;
using Strategy = Trainer<shard::Replicate, precision::Fp32, offload::None, wrap::WholeModel>;
using Operators = std::vector<std::string>;

const std::set<std::string> computes_nothing{
    // name elements anew
    "alias", "as_strided", "chunk", "contiguous", "detach", "expand", "flatten", "narrow", "reshape",
    "_reshape_alias", "resolve_conj", "select", "slice", "split", "t", "transpose", "unflatten", "unsqueeze",
    "_unsafe_view", "view", "view_as",
    // make a tensor without values
    "empty", "empty_like", "empty_strided",
    // call others
    "cross_entropy_loss", "embedding_backward", "full", "item", "layer_norm", "linear", "_local_scalar_dense",
    "matmul", "ones_like", "scalar_tensor", "scaled_dot_product_attention", "to", "zeros", "zeros_like"};

Operators called;  // backward on a CPU runs on the thread that asks for it

std::unique_ptr<at::ObserverContext> note(const at::RecordFunction& operation) {
  std::string name = operation.name();
  if (!name.starts_with("aten::") || computes_nothing.contains(name.erase(0, 6))) return nullptr;
  std::ostringstream text;
  text << name;
  // An operator that is told where to write to names that last.
  const std::size_t told = operation.operator_name()->overload_name == "out" ? 1 : 0;
  for (const c10::IValue& input : operation.inputs().slice(0, operation.inputs().size() - told))
    if (input.isTensor() && input.toTensor().defined()) text << " " << input.toTensor().sizes();
  called.push_back(text.str());
  return nullptr;
}

Operators operators_of(auto&& body) {
  called.clear();
  const auto handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback(&note).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
  body();
  at::removeCallback(handle);
  return std::move(called);
}

// Before forward, forward and backward, and after backward. The model's first operator numbers the positions;
// the last of backward is the gradient of an embedding, which fills what it will return.
struct Step {
  Operators before, model, after;
};
Step parts_of(const Operators& all) {
  const auto first =
      std::find_if(all.begin(), all.end(), [](auto& name) { return name.starts_with("arange"); });
  const auto last = std::find_if(all.rbegin(), all.rend(), [](auto& name) {
                      return name.starts_with("embedding_dense_backward");
                    }).base();
  REQUIRE(first < last);
  return {{all.begin(), first}, {first, last + 1}, {last + 1, all.end()}};
}

Operators names_of(const Operators& operators) {
  Operators names;
  for (const std::string& text : operators) names.push_back(text.substr(0, text.find(' ')));
  return names;
}

TEST_CASE("operators of a step") {
  comm::Solo world;
  auto trainer = Strategy::make<Gpt>(world, optim::AdamW{});
  plain::Loop loop(plain::Gpt(shape.vocabulary, shape.context, shape.layers, shape.heads, shape.dim), 1e-3,
                   0.1);
  const Tensor ids = at::arange(2 * 9, at::kLong).view({2, 9}).remainder(11);
  loop.step(ids, ids);
  trainer.step(ids, ids);
  Step due = parts_of(operators_of([&] { loop.step(ids, ids); }));
  const Step own = parts_of(operators_of([&] { trainer.step(ids, ids); }));

  // Of a linear without bias autograd makes the weight's gradient first, of any other the input's; Ashlar
  // always the input's.
  const auto weight = std::ranges::find(due.model, "mm [11, 18] [18, 12]");
  REQUIRE(weight != due.model.end());
  REQUIRE(*(weight + 1) == "mm [18, 11] [11, 12]");
  std::iter_swap(weight, weight + 1);
  // The head is tied to the embedding: autograd adds up the two gradients in its graph, Ashlar in the window,
  // when backward is over.
  const auto sum = std::ranges::find(due.model, "add [11, 12] [11, 12]");
  REQUIRE(sum != due.model.end());
  due.model.erase(sum);
  CHECK(own.model == due.model);

  // All that is told of the step, and the sum of the micro-batches' losses.
  CHECK(names_of(own.before) == Operators{"zero_", "zero_"});
  CHECK(due.before.empty());
  Operators after{"add_", "_to_copy", "copy_",  // the loss, in double, added to that sum
                  "add_"};                      // the tied gradient, added in the window
  // What autograd returned, into the window: all but the matrices, whose products are written there, and the
  // embedding above.
  const std::ptrdiff_t vectors = std::ranges::count_if(
      trainer.full_parameters(), [](const FullParameter& p) { return p.value.dim() == 1; });
  constexpr std::ptrdiff_t positions = 1;
  after.insert(after.end(), static_cast<std::size_t>(vectors + positions), "copy_");
  for (const char* name : {"div", "div", "_to_copy", "copy_", "copy_",  // the mean loss, to what is told
                           "sum", "fill_",             // the units' squared norms, which no operator computes
                           "fill_", "fill_", "copy_",  // rows, their square, and this rank's own squared norm
                           "fill_", "_fused_adamw_",   // all that decays, at once
                           "fill_", "_fused_adamw_"})  // all that does not
    after.emplace_back(name);
  CHECK(names_of(own.after) == after);
}

}  // namespace
}  // namespace ashlar
