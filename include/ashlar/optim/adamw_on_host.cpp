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
  float factor, weight, beta2, square_weight, root, epsilon, kept, stride;
};

// What one thread updates of a flat at once.
struct Part {
  float* master;
  const float* gradient;
  float* exp_avg;
  float* exp_avg_sq;
  std::uint16_t* rounded;  // master in bfloat16
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
std::uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return static_cast<std::uint16_t>(std::isnan(x) ? 0x7fc0 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Loops of a constant length, whose memory does not overlap, are what compilers give to the vector units.
template <long count, bool rounds>
[[gnu::always_inline]] inline void update_some(float* __restrict master, const float* __restrict gradient,
                                               float* __restrict exp_avg, float* __restrict exp_avg_sq,
                                               std::uint16_t* __restrict rounded, Constants c) {
  for (long i = 0; i < count; ++i) {
    const float g = gradient[i] * c.factor, apart = g - exp_avg[i];
    const float mean =  // from the nearer end
        c.weight < 0.5F ? std::fma(c.weight, apart, exp_avg[i]) : std::fma(c.weight - 1, apart, g);
    const float square = std::fma(c.square_weight * g, g, exp_avg_sq[i] * c.beta2);
    const float next = master[i] * c.kept + c.stride * mean / (std::sqrt(square) / c.root + c.epsilon);
    exp_avg[i] = mean;
    exp_avg_sq[i] = square;
    master[i] = next;
    if constexpr (rounds) rounded[i] = to_bf16(next);
  }
}

template <bool rounds>
[[gnu::always_inline]] inline void update_all(Part p, Constants c) {
  const auto some = [&]<long count>(long i) __attribute__((always_inline)) {
    update_some<count, rounds>(p.master + i, p.gradient + i, p.exp_avg + i, p.exp_avg_sq + i,
                               rounds ? p.rounded + i : nullptr, c);
  };
  constexpr long lanes = 16;
  long i = 0;
  for (; i + lanes <= p.numel; i += lanes) some.template operator()<lanes>(i);
  for (; i < p.numel; ++i) some.template operator()<1>(i);
}

ASHLAR_FOR_ANY_X86 void update_only(Part part, Constants c) {
  update_all<false>(part, c);
}
ASHLAR_FOR_ANY_X86 void update_and_round(Part part, Constants c) {
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
                    .kept = decays ? narrowed(1 - rate * weight_decay) : 1,
                    .stride = narrowed(-(rate / (1 - std::pow(beta1, steps))))};
  const Part all{.master = master.data_ptr<float>(),
                 .gradient = grad.const_data_ptr<float>(),
                 .exp_avg = state[0].data_ptr<float>(),
                 .exp_avg_sq = state[1].data_ptr<float>(),
                 .rounded = compute.defined() ? static_cast<std::uint16_t*>(compute.data_ptr()) : nullptr,
                 .numel = master.numel()};
  constexpr long grain = 1 << 16;  // elements a piece
  in_parallel(0, all.numel, grain, [&](long begin, long end) {
    const FlushSubnormals flush;
    const Part part{all.master + begin,
                    all.gradient + begin,
                    all.exp_avg + begin,
                    all.exp_avg_sq + begin,
                    all.rounded == nullptr ? nullptr : all.rounded + begin,
                    end - begin};
    all.rounded == nullptr ? update_only(part, c) : update_and_round(part, c);
  });
}

}  // namespace ashlar::optim
