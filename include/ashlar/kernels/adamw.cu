#include <ashlar/kernels/adamw.hpp>
#include <ashlar/kernels/elements.cuh>

#include <cmath>
#include <type_traits>

namespace ashlar::cuda {
namespace {

constexpr int threads = 256;

struct Constants {
  float beta1, beta2, gain1, gain2;  // gain: 1 - beta
  float log_beta1, log_beta2, epsilon, weight_decay;
};

// 1 - beta^step, without the digits that the difference of two numbers near 1 would lose.
__device__ float correction(float log_beta, float step) {
  return -expm1f(step * log_beta);
}

// A master, of which `kept` is all, or the rest beside `compute` (engine/split.hpp).
__device__ float join(bf16, float kept) {
  return kept;
}
__device__ float join(bf16 compute, std::int16_t kept) {
  const unsigned upper = __bfloat16_as_ushort(compute);
  return __uint_as_float((upper << 16) + static_cast<unsigned>(kept));
}
__device__ void split(float master, bf16& compute, float& kept) {
  kept = master;
  compute = narrow<bf16>(master);
}
__device__ void split(float master, bf16& compute, std::int16_t& kept) {
  const unsigned bits = isnan(master) ? 0x7fc00000 : __float_as_uint(master);
  kept = static_cast<std::int16_t>(bits);
  compute = __ushort_as_bfloat16(static_cast<unsigned short>((bits + 0x8000) >> 16));
}

template <class M, class G, int size>
__global__ void update(Pack<M, size>* kept, const Pack<G, size>* gradient, Pack<float, size>* exp_avg,
                       Pack<float, size>* exp_avg_sq, Pack<bf16, size>* compute, long count, StepValues now,
                       Constants c) {
  const long i = blockIdx.x * static_cast<long>(threads) + threadIdx.x;
  const float rate = *now.rate, factor = now.factor != nullptr ? *now.factor : 1;
  if (i >= count || isnan(factor)) return;
  Pack<M, size> p = kept[i];
  Pack<float, size> m = exp_avg[i], v = exp_avg_sq[i];
  const Pack<G, size> g = gradient[i];
  const float stride = rate / correction(c.log_beta1, *now.step);
  const float root = rsqrtf(correction(c.log_beta2, *now.step)), decay = 1 - rate * c.weight_decay;
  Pack<bf16, size> rounded{};
  if constexpr (std::is_integral_v<M>) rounded = compute[i];
  for (int k = 0; k < size; ++k) {
    const float due = wide(g.values[k]) * factor;
    const float mean = c.beta1 * m.values[k] + c.gain1 * due;
    const float square = c.beta2 * v.values[k] + c.gain2 * due * due;
    const float master = join(rounded.values[k], p.values[k]);
    const float next = master * decay - stride * mean / (sqrtf(square) * root + c.epsilon);
    m.values[k] = mean;
    v.values[k] = square;
    split(next, rounded.values[k], p.values[k]);
  }
  kept[i] = p;
  exp_avg[i] = m;
  exp_avg_sq[i] = v;
  if (compute != nullptr) compute[i] = rounded;
}

}  // namespace

void adamw(float* master, std::int16_t* rest, const void* gradient, dtype gradient_type, float* exp_avg,
           float* exp_avg_sq, void* compute, long numel, const StepValues& now,
           const AdamWConstants& constants, Stream stream) {
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
    const auto start = [&]<int size>(auto* kept) {
      using M = std::remove_pointer_t<decltype(kept)>;
      const long count = numel / size;
      update<M, G, size><<<blocks_for(count, threads), threads, 0, stream>>>(
          reinterpret_cast<Pack<M, size>*>(kept), static_cast<const Pack<G, size>*>(gradient),
          reinterpret_cast<Pack<float, size>*>(exp_avg), reinterpret_cast<Pack<float, size>*>(exp_avg_sq),
          static_cast<Pack<bf16, size>*>(compute), count, now, c);
    };
    // Aligned as float32 wants it, the narrower ones are aligned enough.
    const auto start_all = [&](auto* kept) {
      if (in_packs<float>(numel, kept, gradient, exp_avg, exp_avg_sq, compute))
        start.template operator()<4>(kept);
      else
        start.template operator()<1>(kept);
    };
    master != nullptr ? start_all(master) : start_all(rest);
  });
  check_launch("adamw");
}

}  // namespace ashlar::cuda
