// The laws of a Checkpoint policy (concepts/checkpoint_policy.hpp).
//
//   law.11  the policy can be honoured for the model, or says that it cannot: applies().
//   law.12  a step's loss and gradients are, bit for bit, those of a step that keeps every activation. That
//           holds for any choice of modules whose forward depends on its inputs, parameters and random
//           numbers alone; a policy that chooses another breaks it.
#pragma once

#include <ATen/ATen.h>

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

template <class Checkpoint, class Comm, class Model>
Pass one_step(Comm& comm, const Model& model, const Tensor& inputs, const Tensor& targets) {
  auto trainer = plain::Strategy<plain::Shard, Checkpoint>::make(model, comm, optim::Sgd{});
  Pass pass{.loss = trainer.step(inputs, targets).loss};
  for (auto& unit : trainer.engine().units())
    pass.gradients.push_back(unit.trained.empty() ? Tensor() : unit.trained.part.clone());
  return pass;
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
    const detail::Pass due = detail::one_step<plain::Checkpoint>(comm, model, inputs, targets);
    const detail::Pass got = detail::one_step<Checkpoint>(comm, model, inputs, targets);
    std::string wrong;
    if (got.loss != due.loss)
      wrong = "loss " + std::to_string(got.loss) + " where " + std::to_string(due.loss) + " is due";
    for (size_t u = 0; wrong.empty() && u < due.gradients.size(); ++u)
      if (due.gradients[u].defined())
        if (wrong = difference(got.gradients[u], due.gradients[u]); !wrong.empty())
          wrong += " in the gradient of unit " + std::to_string(u);
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
