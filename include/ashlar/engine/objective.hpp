// What a step minimises, called: the model's loss on a batch, or an objective of the user's.
//
// A model without a fitting loss, or an objective that fits nothing, is explained and then left alone. What
// is wrong within one that fits the compiler says, where it is called first.
#pragma once

#include <ATen/core/Tensor.h>

#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar {

template <class Model, class Executor>
Tensor loss_of(Model& model, Executor& run, const Tensor& inputs, const Tensor& targets) {
  static_assert(explain_loss<Model, Executor>());
  if constexpr (loss_fits<Model, Executor>) {
    auto&& result = (model.loss(run, inputs, targets), detail::Returned());
    static_assert(explain_loss<Model, Executor, decltype(result)>());
    if constexpr (loss_is_one<Model, Executor, decltype(result)>) return result;
  }
  return inputs;
}

namespace detail {

template <class Objective, class Executor>
decltype(auto) call_objective(Objective& objective, Executor& run, int micro_batch) {
  if constexpr (call_fits<Objective, Executor, int>)
    return objective(run, micro_batch);
  else if constexpr (call_fits<Objective, Executor>)
    return objective(run);
  else
    return objective();
}

}  // namespace detail

template <class Objective, class Executor>
Tensor value_of(Objective& objective, Executor& run, int micro_batch) {
  static_assert(explain_objective<Objective, Executor>());
  if constexpr (objective_fits<Objective, Executor>) {
    auto&& result = (detail::call_objective(objective, run, micro_batch), detail::Returned());
    static_assert(explain_objective<Objective, Executor, decltype(result)>());
    if constexpr (objective_is_one<Objective, Executor, decltype(result)>) return result;
  }
  return {};
}

// A value as the scalar that it must be: 0D, floating. Throws train.7; the second train.6, too, if no trained
// parameter is in it.
Tensor as_scalar(const Tensor& value);
Tensor as_trainable(const Tensor& value);

// The rows of a batch. The first throws train.1, the second train.9, if they do not fit.
long rows_to_train(const Tensor& inputs, const Tensor& targets, int micro_batches);
long rows_to_evaluate(const Tensor& inputs, const Tensor& targets);

}  // namespace ashlar
