#include <ashlar/data/batches.hpp>

#include <algorithm>
#include <string>

#include <ATen/ops/empty.h>

#include <ashlar/error.hpp>

namespace ashlar::data::detail {

std::int64_t sequences_a_rank(const BatchShape& shape, comm::Place place) {
  if (shape.sequences < 1 || shape.tokens < 1 || shape.micro_batches < 1)
    throw Error("data.12", "at least 1 sequence, 1 token and 1 micro-batch",
                std::to_string(shape.sequences) + ", " + std::to_string(shape.tokens) + " and " +
                    std::to_string(shape.micro_batches),
                "set all three above 0");
  std::int64_t parts = 0, above = 0;
  const bool beyond = __builtin_mul_overflow(std::int64_t{place.world}, shape.micro_batches, &parts);
  if (beyond || shape.sequences % parts != 0) {
    const std::int64_t below = beyond ? 0 : shape.sequences / parts * parts;
    const std::string less = below > 0 ? std::to_string(below) : "", or_more = less.empty() ? "" : " or ";
    throw Error("data.11",
                "a batch that " + std::to_string(place.world) + " ranks times " +
                    std::to_string(shape.micro_batches) + " micro-batches divide",
                std::to_string(shape.sequences) + " sequences",
                beyond ? "use fewer micro-batches"
                : __builtin_add_overflow(below, parts, &above)
                    ? "use " + less
                    : "use " + less + or_more + std::to_string(above));
  }
  return shape.sequences / place.world;
}

Batch empty_batch(std::int64_t sequences, std::int64_t tokens) {
  return {at::empty({sequences, tokens}, at::kLong), at::empty({sequences, tokens}, at::kLong)};
}

void fill_row(Batch& batch, std::int64_t row, const std::vector<std::int64_t>& window) {
  const std::int64_t tokens = batch.inputs.size(1);
  std::copy_n(window.begin(), tokens, batch.inputs.data_ptr<std::int64_t>() + row * tokens);
  std::copy_n(window.begin() + 1, tokens, batch.targets.data_ptr<std::int64_t>() + row * tokens);
}

}  // namespace ashlar::data::detail
