#include <ashlar/engine/objective.hpp>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <sstream>
#include <string>

#include <ashlar/error.hpp>

namespace ashlar {

namespace {

long rows_of(const Tensor& tensor) {
  return tensor.defined() && tensor.dim() > 0 ? tensor.size(0) : 0;
}

std::string words_of(const Tensor& inputs, const Tensor& targets) {
  return std::to_string(rows_of(inputs)) + " and " + std::to_string(rows_of(targets)) + " rows";
}

}  // namespace

Tensor as_scalar(const Tensor& value) {
  if (!value.defined() || value.numel() != 1 || !at::isFloatingType(value.scalar_type())) {
    std::ostringstream got;
    if (value.defined())
      got << "a " << at::toString(value.scalar_type()) << " tensor of shape " << value.sizes();
    else
      got << "an undefined tensor";
    throw Error("train.7", "an objective, or the model's loss, to return one floating number", got.str(),
                "return the mean over what it is given");
  }
  return value.dim() == 0 ? value : value.reshape(at::IntArrayRef());
}

Tensor as_trainable(const Tensor& value) {
  Tensor scalar = as_scalar(value);
  if (!scalar.requires_grad() && !at::GradMode::is_enabled())
    throw Error("train.6", "an objective that depends on a trained parameter",
                "one that ran under a NoGradGuard or InferenceMode",
                "end the guard before step(), and in an objective before it calls what is to be trained");
  if (!scalar.requires_grad())
    throw Error("train.6", "an objective that depends on a trained parameter", "one that depends on none",
                "run the model inside the objective, and leave something to train");
  return scalar;
}

long rows_to_train(const Tensor& inputs, const Tensor& targets, int micro_batches) {
  const long rows = rows_of(inputs);
  if (rows % micro_batches != 0 || rows == 0 || rows_of(targets) != rows)
    throw Error(
        "train.1",
        "inputs and targets with the same number of rows, a multiple of " + std::to_string(micro_batches),
        words_of(inputs, targets), "change the batch or Recipe::micro_batches");
  return rows;
}

long rows_to_evaluate(const Tensor& inputs, const Tensor& targets) {
  const long rows = rows_of(inputs);
  if (rows == 0 || rows_of(targets) != rows)
    throw Error("train.9", "inputs and targets to evaluate, with the same number of rows",
                words_of(inputs, targets), "give every rank at least one row, and each row its target");
  return rows;
}

}  // namespace ashlar
