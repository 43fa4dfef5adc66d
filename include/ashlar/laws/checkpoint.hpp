// The laws of a Checkpoint policy (concepts/checkpoint_policy.hpp).
//
//   law.11  the policy can be honoured for the model, or says that it cannot: applies().
//   law.12  a step's loss and gradients are, bit for bit, those of a step that keeps every activation. That
//           holds for any choice of modules whose forward depends on its inputs, parameters and random
//           numbers alone, by deterministic kernels; a policy that chooses another breaks it.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/tanh.h>

#include <array>
#include <boost/hana/define_struct.hpp>
#include <string>
#include <vector>

#include <ashlar/laws/law.hpp>
#include <ashlar/laws/plain.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/optim/sgd.hpp>
#include <ashlar/training.hpp>

namespace ashlar::laws {

namespace detail {

// A list of layers with dropout, which a second forward must repeat.
struct Dropped {
  using Weight = nn::Linear<8, 8>;
  BOOST_HANA_DEFINE_STRUCT(Dropped, (Weight, weight));

  Tensor forward(auto& run, const Tensor& x) const {  // (R, 8) -> same
    return x + at::dropout(at::tanh(run(weight, x)), 0.5, true);
  }
};

struct Stack {
  using List = std::array<Dropped, 3>;
  BOOST_HANA_DEFINE_STRUCT(Stack, (List, layers));

  Tensor loss(auto& run, Tensor x, const Tensor& y) const {  // (R, 8), (R, 8) -> scalar
    for (const Dropped& layer : layers) x = run(layer, x);
    return (x - y).square().mean();
  }
};

struct Pass {
  double loss = 0;
  std::vector<Tensor> gradients{};  // by unit: 1D, padded
};

// Of two steps, for the second knows what backward read in the first.
template <class Checkpoint, class Comm, class Model>
std::array<Pass, 2> two_steps(Comm& comm, const Model& model, const Tensor& inputs, const Tensor& targets) {
  auto trainer = plain::Strategy<plain::Shard, Checkpoint>::make(model, comm, optim::Sgd{});
  std::array<Pass, 2> passes;
  for (Pass& pass : passes) {
    pass.loss = trainer.step(inputs, targets).loss;
    for (auto& unit : trainer.engine().units())
      pass.gradients.push_back(unit.trained.empty() ? Tensor() : unit.trained.part.clone());
  }
  return passes;
}

// What is wrong with a pass, in words.
inline std::string compared(const Pass& got, const Pass& due) {
  if (got.loss != due.loss)
    return "loss " + std::to_string(got.loss) + " where " + std::to_string(due.loss) + " is due";
  for (size_t u = 0; u < due.gradients.size(); ++u)
    if (due.gradients[u].defined())
      if (const std::string wrong = difference(got.gradients[u], due.gradients[u]); !wrong.empty())
        return wrong + " in the gradient of unit " + std::to_string(u);
  return {};
}

}  // namespace detail

// On a model and a batch of your own. Collective.
template <class Checkpoint, class Comm, class Model>
  requires checkpoint_policy<Checkpoint> && trainer_communicator<Comm>
bool checkpoint(Comm& comm, const Model& model, const Tensor& inputs, const Tensor& targets) {
  if constexpr (!checkpoints<Checkpoint, Model>) {
    throw Error("law.11", std::string(Checkpoint::name) + " to apply to the model", "applies() = false",
                "use another policy for this model");
  } else {
    const auto due = detail::two_steps<plain::Checkpoint>(comm, model, inputs, targets);
    const auto got = detail::two_steps<Checkpoint>(comm, model, inputs, targets);
    std::string wrong = detail::compared(got[0], due[0]);
    if (wrong.empty()) wrong = detail::compared(got[1], due[1]);
    uphold(
        comm,
        {"law.12", std::string(Checkpoint::name) + " to give the gradients of a step that keeps everything",
         "recompute only modules whose forward does the same again"},
        wrong);
    return true;
  }
}

// On three layers with dropout. Collective.
template <class Checkpoint, class Comm>
bool checkpoint(Comm& comm) {
  const Tensor x = held(comm.rank(), 32, c10::Device(c10::kCPU)).view({4, 8}) / 7;
  return checkpoint<Checkpoint>(comm, detail::Stack(), x, x.flip(0));
}

}  // namespace ashlar::laws
