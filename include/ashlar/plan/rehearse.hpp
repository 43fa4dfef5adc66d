// rehearse: one forward and backward of a model on Symbols, run by an executor that stops where the trainer's
// does (engine/run.hpp, engine/nested.hpp).
#pragma once

#include <array>
#include <concepts>
#include <tuple>
#include <utility>

#include <ashlar/model/bind.hpp>
#include <ashlar/model/call.hpp>
#include <ashlar/symbolic/symbol.hpp>

namespace ashlar {

// Bytes of the state of LibTorch's random numbers on a CPU, which a recomputed layer notes before its
// forward.
inline constexpr long random_state = 5056;

template <class Strategy, class Model>
class SymbolicRun {
 public:
  constexpr explicit SymbolicRun(Tape& tape) : tape_(tape) {}

  template <class Module>
  constexpr auto operator()(const Module& module, const std::same_as<Symbol> auto&... inputs) {
    constexpr bool unit = Strategy::Wrap::template starts_unit<Model, Module>();
    constexpr bool recomputes = Strategy::Checkpoint::template recomputes<Model, Module>();
    if constexpr (unit || recomputes)
      if (tape_.records) return as_node<unit, recomputes>(module, inputs...);
    return call(module, *this, inputs...);
  }

 private:
  // As autograd sees it, one node, with a graph of its own inside.
  template <bool unit, bool recomputes>
  constexpr auto as_node(const auto& module, const auto&... inputs) {
    using Output = decltype(call(module, *this, inputs...));  // a Symbol or an array of them
    Tape::Node node{.inputs = {inputs.gradient()...}};
    ((tape_.hold(inputs.storage()), node.saved.push_back(inputs.storage())), ...);
    const auto build = [&] {
      node.inner = tape_.open_graph();
      const Output output = call(module, *this, leaf(inputs)...);
      tape_.close_graph(sources(output), unit);
      return output;
    };
    const Output output = [&] {
      if constexpr (!recomputes) return build();
      const long random = tape_.run == kernels::cpu ? random_state : 0;  // on a GPU a few bytes on the host
      node.saved.push_back(tape_.allocate(random));
      tape_.records = false;
      const Output kept = call(module, *this, inputs...);
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
};

// What one rank computes in one micro-batch, and the memory that comes and goes meanwhile.
struct Workload {
  long saved = 0;    // bytes that wait for backward when it begins
  long most = 0;     // bytes at once, gradients of activations and temporaries included
  double flops = 0;  // of forward, backward and recomputation
};

// `inputs`: makes the inputs of the model's loss on a tape, as a tuple-like that `std::apply` takes.
template <class Strategy, class Model>
constexpr Workload rehearse(kernels runs, auto inputs) {
  using Precision = typename Strategy::Precision;
  Model model{};
  bind_ties(model);
  nn::Gradient gradient{};
  for_each_tensor(model, [&](const Name&, auto& member, Role role) {
    if constexpr (requires { member.gradient; })
      if (role == Role::trained) member.gradient = &gradient;
  });

  Tape tape(runs, Precision::compute, Precision::reduce);
  SymbolicRun<Strategy, Model> run(tape);
  Workload work;
  tape.allocate(8);  // where the step adds up its loss
  const auto arguments = inputs(tape);
  const Symbol loss = std::apply([&](const auto&... each) { return model.loss(run, each...); }, arguments);
  work.saved = tape.live();
  tape.backward(loss.node());
  work.most = tape.peak();
  work.flops = tape.flops();
  return work;
}

}  // namespace ashlar
