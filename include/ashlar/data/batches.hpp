// Batches: the global batch of a step, and this rank's part of it.
//
//   data::Batches batches(parts.train, {.sequences = 32, .tokens = 256}, {comm.rank(), comm.size()}, seed);
//   auto [inputs, targets] = batches.next();
//
// A batch is a pure function of (seed, step): to resume, seek(step). For validation call at(0), at(1), ...
// each time, which is the same random sample of the validation part in every evaluation.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include <ashlar/comm/launch.hpp>
#include <ashlar/data/source.hpp>
#include <ashlar/data/windows.hpp>
#include <ashlar/tensor.hpp>

namespace ashlar::data {

// One optimizer step of the whole world.
struct BatchShape {
  std::int64_t sequences;          // of all ranks together
  std::int64_t tokens;             // a sequence
  std::int64_t micro_batches = 1;  // forward and backward passes a rank splits its part into
};

// int64, on CPU. R = sequences / world, T = tokens.
struct Batch {
  Tensor inputs;   // (R, T)
  Tensor targets;  // (R, T), the ids one further on
};

namespace detail {
// Sequences a rank; [ashlar.data.11]: not divisible, with both numbers and the nearest that are;
// [ashlar.data.12]: a size below 1.
std::int64_t sequences_a_rank(const BatchShape& shape, comm::Place place);
Batch empty_batch(std::int64_t sequences, std::int64_t tokens);
// One window of T + 1 ids becomes row `row` of both tensors.
void fill_row(Batch& batch, std::int64_t row, const std::vector<std::int64_t>& window);
}  // namespace detail

template <source S>
class Batches {
 public:
  Batches(S from, BatchShape shape, comm::Place place, std::uint64_t seed)
      : from_(std::move(from)),
        shape_(shape),
        rows_(detail::sequences_a_rank(shape, place)),
        first_row_(rows_ * place.rank),
        windows_(from_.size(), shape.tokens, shape.sequences, seed) {}

  // Rank r holds the sequences [r * R, (r + 1) * R) of the global batch.
  Batch at(std::int64_t step) const {
    Batch batch = detail::empty_batch(rows_, shape_.tokens);
    std::vector<std::int64_t> window(static_cast<std::size_t>(shape_.tokens) + 1);
    for (std::int64_t row = 0; row < rows_; ++row) {
      from_.read(windows_.start(step * shape_.sequences + first_row_ + row), window);
      detail::fill_row(batch, row, window);
    }
    return batch;
  }

  Batch next() { return at(step_++); }

  std::int64_t step() const { return step_; }  // what next() will give
  void seek(std::int64_t step) { step_ = step; }

  std::int64_t tokens_a_step() const { return shape_.sequences * shape_.tokens; }  // of all ranks together
  // Whole batches in which no sequence repeats; at least 1.
  std::int64_t steps_an_epoch() const { return windows_.an_epoch() / shape_.sequences; }

 private:
  S from_;
  BatchShape shape_;
  std::int64_t rows_;
  std::int64_t first_row_;
  Windows windows_;
  std::int64_t step_ = 0;
};

}  // namespace ashlar::data
