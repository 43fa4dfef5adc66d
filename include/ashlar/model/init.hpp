// How parameters start: the same numbers for every world size, strategy, device and order of construction.
#pragma once

#include <cstdint>
#include <string_view>

#include <ashlar/nn/parameter.hpp>

namespace ashlar {

// The seed of one parameter, from the run's seed and the parameter's dotted name. Part of the checkpoint
// contract: it must never change. FNV-1a (Fowler, Noll, Vo) over the name, finished by SplitMix64 (Steele et
// al. 2014).
constexpr std::uint64_t parameter_seed(std::uint64_t seed, std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::uint64_t z = hash + (seed + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Fills `tensor` with the elements [first, first + tensor.numel()) of a parameter that starts as `init`.
// Element i is a function of seed and i alone, so a rank draws its own shard without drawing the rest. Drawn
// in float32 on the CPU, then rounded to the tensor's type. Autograd does not see it.
void fill(const Tensor& tensor,  // any shape, type and device
          nn::Init init, std::uint64_t seed, std::int64_t first = 0);

}  // namespace ashlar
