#include <ashlar/data/source.hpp>

#include <string>

#include <ashlar/error.hpp>

namespace ashlar::data::detail {

void check_read(std::uint64_t first, std::uint64_t count, std::uint64_t size) {
  if (first <= size && count <= size - first) return;
  throw Error("data.5", "a read within " + std::to_string(size) + " tokens",
              std::to_string(count) + " tokens from " + std::to_string(first),
              "read fewer or earlier tokens");
}

std::uint64_t validation_size(std::uint64_t size, double fraction) {
  if (!(fraction >= 0 && fraction < 1))
    throw Error("data.6", "a validation fraction of at least 0 and below 1", std::to_string(fraction),
                "use 0.1 for the last tenth");
  return static_cast<std::uint64_t>(static_cast<double>(size) * fraction);
}

}  // namespace ashlar::data::detail
