#include <ashlar/kernels/adamw.hpp>
#include <ashlar/kernels/elements.cuh>

#include <cmath>

namespace ashlar::cuda {
namespace {

constexpr int threads = 256;

struct Constants {
  float beta1, beta2, rest1, rest2;  // rest: 1 - beta
  float log_beta1, log_beta2, epsilon, weight_decay;
};

// 1 - beta^step, without the digits that the difference of two numbers near 1 would lose.
__device__ float correction(float log_beta, float step) {
  return -expm1f(step * log_beta);
}

template <class G, int size>
__global__ void update(Pack<float, size>* master, const Pack<G, size>* gradient, Pack<float, size>* exp_avg,
                       Pack<float, size>* exp_avg_sq, Pack<bf16, size>* compute, long count, StepValues now,
                       Constants c) {
  const long i = blockIdx.x * static_cast<long>(threads) + threadIdx.x;
  const float rate = *now.rate, factor = now.factor != nullptr ? *now.factor : 1;
  if (i >= count || isnan(factor)) return;
  Pack<float, size> p = master[i], m = exp_avg[i], v = exp_avg_sq[i];
  const Pack<G, size> g = gradient[i];
  const float stride = rate / correction(c.log_beta1, *now.step);
  const float root = rsqrtf(correction(c.log_beta2, *now.step)), kept = 1 - rate * c.weight_decay;
  Pack<bf16, size> rounded;
  for (int k = 0; k < size; ++k) {
    const float due = wide(g.values[k]) * factor;
    const float mean = c.beta1 * m.values[k] + c.rest1 * due;
    const float square = c.beta2 * v.values[k] + c.rest2 * due * due;
    const float next = p.values[k] * kept - stride * mean / (sqrtf(square) * root + c.epsilon);
    m.values[k] = mean;
    v.values[k] = square;
    p.values[k] = next;
    rounded.values[k] = narrow<bf16>(next);
  }
  master[i] = p;
  exp_avg[i] = m;
  exp_avg_sq[i] = v;
  if (compute != nullptr) compute[i] = rounded;
}

}  // namespace

void adamw(float* master, const void* gradient, dtype gradient_type, float* exp_avg, float* exp_avg_sq,
           void* compute, long numel, const StepValues& now, const AdamWConstants& constants, Stream stream) {
  if (numel == 0) return;
  const double beta1 = constants.beta1, beta2 = constants.beta2;
  const auto narrowed = [](double x) { return static_cast<float>(x); };
  const Constants c{narrowed(beta1),
                    narrowed(beta2),
                    narrowed(1 - beta1),
                    narrowed(1 - beta2),
                    narrowed(std::log(beta1)),
                    narrowed(std::log(beta2)),
                    narrowed(constants.epsilon),
                    narrowed(constants.weight_decay)};
  with_type(gradient_type, [&]<class G>() {
    const auto start = [&]<int size>() {
      const long count = numel / size;
      update<G, size><<<blocks_for(count, threads), threads, 0, stream>>>(
          reinterpret_cast<Pack<float, size>*>(master), static_cast<const Pack<G, size>*>(gradient),
          reinterpret_cast<Pack<float, size>*>(exp_avg), reinterpret_cast<Pack<float, size>*>(exp_avg_sq),
          static_cast<Pack<bf16, size>*>(compute), count, now, c);
    };
    // Aligned as float32 wants it, the narrower ones are aligned enough.
    if (in_packs<float>(numel, master, gradient, exp_avg, exp_avg_sq, compute))
      start.template operator()<4>();
    else
      start.template operator()<1>();
  });
  check_launch("adamw");
}

}  // namespace ashlar::cuda
