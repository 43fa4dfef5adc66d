#include <ashlar/kernels/elements.cuh>
#include <ashlar/kernels/judge.hpp>

namespace ashlar::cuda {
namespace {

__global__ void decide(const double* sums, const double* square, float* factor, float clip_norm, int ranks) {
  const double norm = sqrt(*square);
  const bool counts = isfinite(sums[0]) && isfinite(norm) && ranks * sums[3] == sums[2] * sums[2];
  *factor = counts ? fminf(1, clip_norm / (static_cast<float>(norm) + 1e-6f)) : nanf("");
}

}  // namespace

void judge(const double* sums, const double* square, float* factor, double clip_norm, int ranks,
           Stream stream) {
  decide<<<1, 1, 0, stream>>>(sums, square, factor, static_cast<float>(clip_norm), ranks);
  check_launch("judge");
}

}  // namespace ashlar::cuda
