#include <ashlar/model/init.hpp>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <ashlar/parallel.hpp>

namespace ashlar {
namespace {

using Four = std::array<std::uint32_t, 4>;

// Philox4x32-10: four random words for each (seed, counter). Salmon et al. 2011, "Parallel random numbers: as
// easy as 1, 2, 3", section 4.
Four philox(std::uint64_t seed, std::uint64_t counter) {
  Four x{static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), 0, 0};
  auto low = static_cast<std::uint32_t>(seed), high = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xd2511f53} * x[0], b = std::uint64_t{0xcd9e8d57} * x[2];
    x = {static_cast<std::uint32_t>(b >> 32) ^ x[1] ^ low, static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ x[3] ^ high, static_cast<std::uint32_t>(a)};
    low += 0x9e3779b9;
    high += 0xbb67ae85;
  }
  return x;
}

double unit(std::uint32_t word) {
  return (word + 0.5) * 0x1p-32;
}  // in (0, 1), both ends excluded

std::array<float, 4> draw(nn::Init init, std::uint64_t seed, std::uint64_t counter) {
  const Four word = philox(seed, counter);
  std::array<float, 4> value;
  if (init.kind == nn::Init::Kind::uniform) {
    for (std::size_t i = 0; i < 4; ++i) value[i] = static_cast<float>(init.scale * (2 * unit(word[i]) - 1));
  } else {
    for (std::size_t i = 0; i < 4; i += 2) {  // Box and Muller 1958: two uniform numbers make two normal ones
      const double radius = init.scale * std::sqrt(-2 * std::log(unit(word[i])));
      const double angle = 2 * std::numbers::pi * unit(word[i + 1]);
      value[i] = static_cast<float>(radius * std::cos(angle));
      value[i + 1] = static_cast<float>(radius * std::sin(angle));
    }
  }
  return value;
}

}  // namespace

void fill(const Tensor& tensor, nn::Init init, std::uint64_t seed, std::int64_t first) {
  const Tensor target = tensor.detach();
  if (init.kind == nn::Init::Kind::zeros) return void(target.zero_());
  if (init.kind == nn::Init::Kind::ones) return void(target.fill_(1));

  const std::int64_t last = first + target.numel();
  const Tensor drawn = at::empty(target.sizes(), at::kFloat);
  float* const out = drawn.mutable_data_ptr<float>();
  constexpr std::int64_t grain = 4096;  // counters a piece
  in_parallel(first / 4, (last + 3) / 4, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t counter = begin; counter < end; ++counter) {
      const auto four = draw(init, seed, static_cast<std::uint64_t>(counter));
      for (std::int64_t i = std::max(first, 4 * counter); i < std::min(last, 4 * counter + 4); ++i)
        out[i - first] = four[static_cast<std::size_t>(i - 4 * counter)];
    }
  });
  target.copy_(drawn);
}

}  // namespace ashlar
