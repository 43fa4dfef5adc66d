// What a step counts: on each rank, and then on all.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <optional>

#include <ashlar/error.hpp>
#include <ashlar/tensor.hpp>
#include <ashlar/trainer.hpp>

namespace ashlar {

// The backward of `factor` times a micro-batch's loss: a scalar that depends on a trained parameter.
void run_backward(const Tensor& loss, double factor);

// One rank's numbers of a step, on its device.
class Counts {
 public:
  Counts(std::size_t units, c10::Device device);

  void add_loss(const Tensor& micro_batch);  // (), floating
  Tensor square(std::size_t unit) const;     // (), float64: to add the square of a unit's gradient to

  // What all ranks need to know, by one small all-reduce of the first four: the mean loss, the squared norm,
  // and `rows` and their square, for all have as many when the sum of the squares is the square of the sum
  // over the ranks. Then this rank's own squared norm. (5), float64. If this rank has a `breach` to report,
  // the square is NaN, so that no rank updates. If the user `wrote` into parameters since the last step, it
  // tells of half a row more: so all ranks have, or none.
  Tensor told(int micro_batches, long rows, bool breach, bool wrote) const;

 private:
  Tensor numbers_;  // (5 + units), float64: what is told, and the squares
  Tensor loss_;     // (), float64
};

// The report of a step that all ranks have told of; waits for the device. The norm is of the sum over the
// ranks where the gradient is sharded, and else this rank's own. Throws this rank's breach, or parameter.5 if
// another rank has one, and train.8 if ranks had other `rows`.
Report report_of(const Tensor& told, int ranks, long rows, bool sharded, long step, double rate,
                 const std::optional<Error>& breach);

// [ashlar.parameter.8]: of such a step, if some ranks wrote and others did not.
std::optional<Error> unequal_writes(const Tensor& told, int ranks, long rows);

// To sum over the ranks, and then their mean: `value`, a scalar, with this rank's weight. (2), float64. A
// breach is told and thrown as by a step.
Tensor weighted(const Tensor& value, long weight, bool breach);
double mean_of(const Tensor& sums, const std::optional<Error>& breach);

// `now`, (3), float32, as a fused update reads it: rate, factor on the gradient, and step.
void set_time(const Tensor& now, double rate, long step);

}  // namespace ashlar
