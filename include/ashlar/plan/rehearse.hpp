// rehearse: one forward and backward of a model on Symbols, run by an executor that stops where the trainer's
// does (engine/run.hpp, engine/nested.hpp).
#pragma once

#include <array>
#include <concepts>
#include <tuple>
#include <utility>
#include <vector>

#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/model/bind.hpp>
#include <ashlar/model/call.hpp>
#include <ashlar/model/module_id.hpp>
#include <ashlar/plan/census.hpp>
#include <ashlar/symbolic/symbol.hpp>

namespace ashlar {

// Bytes of the state of LibTorch's random numbers on a CPU, which a recomputed layer notes before its
// forward.
inline constexpr long random_state = 5056;

// `parts`: by unit, the bytes that its reduced gradient takes when its backward ends; none where these
// are there all the time.
template <class Strategy, class Model>
class SymbolicRun {
 public:
  constexpr SymbolicRun(Tape& tape, Model& model, std::vector<long> parts)
      : tape_(tape), parts_(std::move(parts)) {
    for_each_module(model, [&]<class Module>(Module& module) {
      if constexpr (is_unit<Module>) units_.push_back(id_of(module));
    });
  }

  // Of the module, and once; 0 is the root.
  constexpr long take_part(std::size_t unit) {
    return unit < parts_.size() ? std::exchange(parts_[unit], 0) : 0;
  }
  // Units run in the order of declaration, so it is the one after the last, or near it.
  constexpr long take_part(const ModuleId& id) {
    for (std::size_t looked_at = 0; looked_at < units_.size(); ++looked_at) {
      if (next_ >= units_.size()) next_ = 0;
      if (units_[next_++] == id) return take_part(next_);
    }
    return 0;
  }

  // Of a call whose mistake has been explained.
  constexpr Symbol in_place_of_output() { return Symbol(tape_, {1}, Values::compute); }

  template <class Module, class... Inputs>
  constexpr auto operator()(const Module& module, const Inputs&... inputs) {
    constexpr bool unit = Strategy::Wrap::template starts_unit<Model, Module>();
    constexpr bool recomputes = Strategy::Checkpoint::template recomputes<Model, Module>();
    if constexpr (unit || recomputes) {
      static_assert(explain_inputs<std::conditional_t<std::is_same_v<Inputs, Symbol>, Tensor, Inputs>...>());
      using Output = decltype(call(module, *this, inputs...));
      if constexpr (!one_or_several<Output, Symbol>)
        static_assert(explain_output<Module>());
      else if constexpr ((std::is_same_v<Inputs, Symbol> && ...))
        return stop<unit, recomputes>(module, inputs...);
    }
    return call(module, *this, inputs...);
  }

 private:
  template <class Module>
  static constexpr bool is_unit =
      detail::marks_of<typename Strategy::Wrap, typename Strategy::Checkpoint, Model, Module>().is_unit;

  // As in engine/run.hpp.
  template <bool unit, bool recomputes>
  constexpr auto stop(const auto& module, const auto&... inputs) {
    using Output = decltype(call(module, *this, inputs...));
    Tape::Recomputation around = std::exchange(tape_.recomputation, {});
    const auto run = [&]() -> Output {
      if (tape_.records) return as_node<unit, recomputes>(module, inputs...);
      return call(module, *this, inputs...);
    };
    const Output output = run();
    tape_.recomputation = std::move(around);
    return output;
  }

  // As autograd sees it, one node, with a graph of its own inside.
  template <bool unit, bool recomputes>
  constexpr auto as_node(const auto& module, const auto&... inputs) {
    using Output = decltype(call(module, *this, inputs...));  // a Symbol or an array of them
    Tape::Node node{.inputs = {inputs.gradient()...}};
    ((tape_.hold(inputs.storage()), node.saved.push_back(inputs.storage())), ...);
    const auto build = [&] {
      node.inner = tape_.open_graph();
      const Output output = call(module, *this, leaf(inputs)...);
      if constexpr (recomputes) tape_.leave_out_product();
      tape_.close_graph(sources(output), unit ? take_part(id_of(module)) : -1);
      return output;
    };
    const Output output = [&] {
      if constexpr (!recomputes) return build();
      const long random = tape_.run == kernels::cpu ? random_state : 0;  // on a GPU a few bytes on the host
      node.saved.push_back(tape_.allocate(random));
      tape_.records = false;
      tape_.recomputation.forward = Tape::Forward::first;
      const Output kept = call(module, *this, inputs...);
      tape_.recomputation.forward = Tape::Forward::second;
      tape_.records = true;
      Tape::Rewind before = tape_.begin_rerun();
      const int guard = tape_.allocate(random);  // what the generator goes back to
      build();
      tape_.release(guard);
      tape_.end_rerun(node.inner, std::move(before));
      return kept;
    }();
    const Few<int, 8> held = node.saved;
    const Output result = from(output, tape_.note(node));
    for (const int storage : held) tape_.release(storage);
    return result;
  }

  static constexpr Few<Tape::Output, 8> sources(const Symbol& output) { return {output.source()}; }
  static constexpr Few<Tape::Output, 8> sources(const auto& outputs) {
    Few<Tape::Output, 8> all;
    for (const Symbol& output : outputs) all.push_back(output.source());
    return all;
  }
  static constexpr Symbol from(const Symbol& output, int node) { return output.from(node); }
  template <size_t count>
  static constexpr auto from(std::array<Symbol, count> outputs, int node) {
    for (size_t i = 0; i < count; ++i) outputs[i] = outputs[i].from(node, static_cast<int>(i));
    return outputs;
  }

  constexpr Symbol leaf(const Symbol& input) { return input.from(input.node() < 0 ? -1 : tape_.note({})); }

  Tape& tape_;
  std::vector<long> parts_;
  Many<ModuleId> units_{};  // but for the root
  std::size_t next_ = 0;
};

// What one rank computes in one micro-batch, and the memory that comes and goes meanwhile.
struct Workload {
  long saved = 0;    // bytes that wait for backward when it begins
  long most = 0;     // bytes at once: gradients of activations, temporaries, `parts` and `update` included
  long parts = 0;    // bytes of sharded gradients at the end
  double flops = 0;  // of forward, backward and recomputation
};

// `inputs`: makes the inputs of the model's loss on a tape, as a tuple-like that `std::apply` takes. `parts`:
// by unit, the bytes of its sharded gradient, which is there from its reduction on: in the last of several
// micro-batches from the beginning. `update`: the bytes that the optimizer's update takes for a while.
template <class Strategy, class Model>
constexpr Workload rehearse(kernels runs, auto inputs, std::vector<long> parts = {}, int micro_batches = 1,
                            long update = 0) {
  using Precision = typename Strategy::Precision;
  Model model{};
  bind_ties(model);
  Many<nn::Gradient**> trained;
  const auto note = [&](const auto&, auto& member, Role role) {
    if constexpr (requires { member.gradient; })
      if (role == Role::trained) trained.push_back(&member.gradient);
  };
  for_each_tensor(model, note, Unnamed());
  std::vector<nn::Gradient> gradients(trained.size());
  for (std::size_t i = 0; i < trained.size(); ++i) *trained[i] = &gradients[i];

  Tape tape(runs, Precision::compute, Precision::reduce);
  Workload work;
  for (long& part : parts) {
    work.parts += part;
    if (micro_batches > 1) tape.keep(std::exchange(part, 0));
  }
  const long before = tape.live();
  SymbolicRun<Strategy, Model> run(tape, model, parts);
  const auto arguments = inputs(tape);
  tape.keep((micro_batches - 1) * (tape.live() - before));  // the inputs of the others
  // Where the step adds up its loss, and what is told of it (training.hpp).
  const int sum = tape.allocate(8), told = tape.allocate(8 * (5 + static_cast<long>(parts.size())));
  {
    const auto loss = std::apply(
        [&](const auto&... each) { return (model.loss(run, each...), detail::Returned()); }, arguments);
    using Result = std::remove_const_t<decltype(loss)>;
    static_assert(explain_planned_loss<Model, Symbol, Result>());
    work.saved = tape.live() - before;
    if constexpr (std::is_same_v<Result, Symbol>) tape.backward(loss.node(), run.take_part(0));
  }
  for (std::size_t u = 1; u < parts.size(); ++u) tape.keep(run.take_part(u));  // of units that did not run
  tape.touch(24);  // the mean loss, and its divisor in two types
  tape.release(sum);
  tape.touch(update);
  tape.release(told);
  work.most = tape.peak();
  work.flops = tape.flops();
  return work;
}

}  // namespace ashlar
