// AdamW on the host, in one pass. Compiled so that each operation is rounded as it stands (CMakeLists.txt):
// then the vector units give what at::_fused_adamw_ gives on a CPU with AVX2, bit for bit.
#include <ATen/core/Tensor.h>

#include <bit>
#include <cmath>
#include <cstdint>

#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include <ashlar/any_x86.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/parallel.hpp>

namespace ashlar::optim {
namespace {

struct Constants {
  float factor, weight, beta2, square_weight, root, epsilon, decay, stride;
};

// What one thread updates of a flat at once.
template <class Kept>
struct Part {
  Kept* kept;  // master, or the rest of a split one
  const float* gradient;
  float* exp_avg;
  float* exp_avg_sq;
  std::uint16_t* compute;  // master in bfloat16, or its upper half
  long numel;
};

// While there is one, this thread takes numbers below float32's normal range for zero. The moments of words
// that do not occur end there, and each would cost as much time as fifty others.
class FlushSubnormals {
 public:
#ifdef __SSE__
  FlushSubnormals() { _mm_setcsr(before_ | 0x8040); }  // flush to zero, and denormals are zeros
  ~FlushSubnormals() { _mm_setcsr(before_); }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  unsigned before_ = _mm_getcsr();
#endif
};

// To nearest, ties to even.
[[gnu::always_inline]] inline std::uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return static_cast<std::uint16_t>(std::isnan(x) ? 0x7fc0 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// A master, of which `kept` is all, or the rest beside `compute` (engine/split.hpp).
[[gnu::always_inline]] inline float join(std::uint16_t, float kept) {
  return kept;
}
[[gnu::always_inline]] inline float join(std::uint16_t compute, std::int16_t rest) {
  return std::bit_cast<float>((std::uint32_t{compute} << 16) + static_cast<std::uint32_t>(rest));
}
[[gnu::always_inline]] inline void split(float master, std::uint16_t& compute, float& kept) {
  kept = master;
  compute = to_bf16(master);
}
[[gnu::always_inline]] inline void split(float master, std::uint16_t& compute, std::int16_t& rest) {
  const std::uint32_t bits = std::isnan(master) ? 0x7fc00000 : std::bit_cast<std::uint32_t>(master);
  rest = static_cast<std::int16_t>(bits);
  compute = static_cast<std::uint16_t>((bits + 0x8000) >> 16);
}

// Loops of a constant length, whose memory does not overlap and whose calls are inlined at once, are what
// compilers give to the vector units.
template <long count, bool rounds, class Kept>
[[gnu::always_inline]] inline void update_some(Kept* __restrict kept, const float* __restrict gradient,
                                               float* __restrict exp_avg, float* __restrict exp_avg_sq,
                                               std::uint16_t* __restrict compute, Constants c) {
  for (long i = 0; i < count; ++i) {
    const float g = gradient[i] * c.factor, apart = g - exp_avg[i];
    const float mean =  // from the nearer end
        c.weight < 0.5F ? std::fma(c.weight, apart, exp_avg[i]) : std::fma(c.weight - 1, apart, g);
    const float square = std::fma(c.square_weight * g, g, exp_avg_sq[i] * c.beta2);
    std::uint16_t upper = rounds ? compute[i] : 0;
    const float master = join(upper, kept[i]);
    const float next = master * c.decay + c.stride * mean / (std::sqrt(square) / c.root + c.epsilon);
    exp_avg[i] = mean;
    exp_avg_sq[i] = square;
    split(next, upper, kept[i]);
    if constexpr (rounds) compute[i] = upper;
  }
}

// A hint to fetch what this thread uses so many bytes later; beyond the end of a tensor it does nothing.
[[gnu::always_inline]] inline void prefetch(const void* data) {
  constexpr long ahead = 2048;
  __builtin_prefetch(static_cast<const char*>(data) + ahead);
}

template <bool rounds, class Kept>
[[gnu::always_inline]] inline void update_all(Part<Kept> p, Constants c) {
  const auto some = [&]<long count>(long i) __attribute__((always_inline)) {
    update_some<count, rounds>(p.kept + i, p.gradient + i, p.exp_avg + i, p.exp_avg_sq + i,
                               rounds ? p.compute + i : nullptr, c);
  };
  constexpr long lanes = 16;  // a cache line of float32
  long i = 0;
  for (; i + lanes <= p.numel; i += lanes) {
    prefetch(p.kept + i);
    prefetch(p.gradient + i);
    prefetch(p.exp_avg + i);
    prefetch(p.exp_avg_sq + i);
    if constexpr (rounds) prefetch(p.compute + i);
    some.template operator()<lanes>(i);
  }
  for (; i < p.numel; ++i) some.template operator()<1>(i);
}

ASHLAR_FOR_ANY_X86 void update_only(Part<float> part, Constants c) {
  update_all<false>(part, c);
}
ASHLAR_FOR_ANY_X86 void update_and_round(Part<float> part, Constants c) {
  update_all<true>(part, c);
}
ASHLAR_FOR_ANY_X86 void update_and_split(Part<std::int16_t> part, Constants c) {
  update_all<true>(part, c);
}

}  // namespace

// Constants are made in double and rounded once, as LibTorch does.
void AdamW::update_on_host(const Tensor& master, const Tensor& grad, std::span<const Tensor> state,
                           const Tensor& compute, double rate, float factor, bool decays, long step) const {
  const auto narrowed = [](double x) { return static_cast<float>(x); };
  const auto steps = static_cast<double>(step);
  const Constants c{.factor = factor,
                    .weight = narrowed(1 - beta1),
                    .beta2 = narrowed(beta2),
                    .square_weight = narrowed(1 - beta2),
                    .root = narrowed(std::sqrt(1 - std::pow(beta2, steps))),
                    .epsilon = narrowed(epsilon),
                    .decay = decays ? narrowed(1 - rate * weight_decay) : 1,
                    .stride = narrowed(-(rate / (1 - std::pow(beta1, steps))))};
  const auto run = [&]<class Kept>(Kept* kept, auto pass) {
    const Part<Kept> all{
        .kept = kept,
        .gradient = grad.const_data_ptr<float>(),
        .exp_avg = state[0].data_ptr<float>(),
        .exp_avg_sq = state[1].data_ptr<float>(),
        .compute = compute.defined() ? static_cast<std::uint16_t*>(compute.data_ptr()) : nullptr,
        .numel = master.numel()};
    constexpr long grain = 1 << 16;  // elements a piece
    in_parallel(0, all.numel, grain, [&](long begin, long end) {
      const FlushSubnormals flush;
      pass({all.kept + begin, all.gradient + begin, all.exp_avg + begin, all.exp_avg_sq + begin,
            all.compute == nullptr ? nullptr : all.compute + begin, end - begin},
           c);
    });
  };
  if (master.scalar_type() == at::kShort)
    run(master.data_ptr<std::int16_t>(), update_and_split);
  else
    run(master.data_ptr<float>(), compute.defined() ? update_and_round : update_only);
}

}  // namespace ashlar::optim
