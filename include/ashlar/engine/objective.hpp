// What a step minimises, called: the model's loss on a batch, or an objective of the user's. `Executor` is
// the trainer's Run; `run` is one too, or what runs modules in its place.
//
// A model without a fitting loss, or an objective that fits nothing, is explained and then left alone. What
// is wrong within one that fits the compiler says, where it is called first.
#pragma once

#include <ATen/ATen.h>

#include <sstream>

#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/error.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar {

template <class Executor, class Model, class Runner>
Tensor loss_of(Model& model, Runner& run, const Tensor& inputs, const Tensor& targets) {
  static_assert(explain_loss<Model, Executor>());
  if constexpr (loss_runs_by<Model, Executor, Runner>) {
    auto&& result = (model.loss(run, inputs, targets), detail::Returned());
    static_assert(explain_loss<Model, Executor, decltype(result)>());
    if constexpr (loss_is_one<Model, Executor, decltype(result)>) return result;
  }
  return inputs;
}

namespace detail {

template <class Objective, class Runner>
decltype(auto) call_objective(Objective& objective, Runner& run, int micro_batch) {
  if constexpr (call_fits<Objective, Runner, int>)
    return objective(run, micro_batch);
  else if constexpr (call_fits<Objective, Runner>)
    return objective(run);
  else
    return objective();
}

}  // namespace detail

template <class Executor, class Objective, class Runner>
Tensor value_of(Objective& objective, Runner& run, int micro_batch) {
  static_assert(explain_objective<Objective, Executor>());
  if constexpr (objective_runs_by<Objective, Executor, Runner>) {
    auto&& result = (detail::call_objective(objective, run, micro_batch), detail::Returned());
    static_assert(explain_objective<Objective, Executor, decltype(result)>());
    if constexpr (objective_is_one<Objective, Executor, decltype(result)>) return result;
  }
  return {};
}

// The same as a scalar: 0D, floating.
template <class Executor, class Objective>
Tensor scalar_of(Objective& objective, Executor& run, int micro_batch) {
  const Tensor value = value_of<Executor>(objective, run, micro_batch);
  if (!value.defined() || value.numel() != 1 || !at::isFloatingType(value.scalar_type())) {
    std::ostringstream got;
    if (value.defined())
      got << "a " << at::toString(value.scalar_type()) << " tensor of shape " << value.sizes();
    else
      got << "an undefined tensor";
    throw Error("train.7", "an objective, or the model's loss, to return one floating number", got.str(),
                "return the mean over what it is given");
  }
  return value.dim() == 0 ? value : value.view({});
}

}  // namespace ashlar
