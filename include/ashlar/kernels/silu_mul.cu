#include <ashlar/kernels/elements.cuh>
#include <ashlar/kernels/silu_mul.hpp>

namespace ashlar::cuda {
namespace {

constexpr int threads = 256;

__device__ float sigmoid(float x) {
  return 1 / (1 + __expf(-x));
}

template <class Some>
__global__ void forward(const Some* gate, const Some* up, Some* out, long count) {
  const long i = blockIdx.x * static_cast<long>(threads) + threadIdx.x;
  if (i >= count) return;
  const Some g = gate[i], u = up[i];
  Some y;
  for (int k = 0; k < Some::size; ++k) {
    const float x = wide(g.values[k]);
    y.values[k] = narrow<std::remove_cvref_t<decltype(y.values[k])>>(x * sigmoid(x) * wide(u.values[k]));
  }
  out[i] = y;
}

template <class Some>
__global__ void backward(const Some* gate, const Some* up, const Some* gradient, Some* gate_gradient,
                         Some* up_gradient, Some* out, long count) {
  using T = std::remove_cvref_t<decltype(Some::values[0])>;
  const long i = blockIdx.x * static_cast<long>(threads) + threadIdx.x;
  if (i >= count) return;
  const Some g = gate[i], u = up[i], d = gradient[i];
  Some of_gate, of_up, y;
  for (int k = 0; k < Some::size; ++k) {
    const float x = wide(g.values[k]), s = sigmoid(x), due = wide(d.values[k]);
    of_gate.values[k] = narrow<T>(due * wide(u.values[k]) * s * (1 + x * (1 - s)));
    of_up.values[k] = narrow<T>(due * x * s);
    y.values[k] = narrow<T>(x * s * wide(u.values[k]));
  }
  gate_gradient[i] = of_gate;
  up_gradient[i] = of_up;
  if (out != nullptr) out[i] = y;
}

// Starts `kernel` on packs where all pointers and the length allow it, else on single elements.
template <class T>
void start(auto kernel, long numel, auto... data) {
  const auto as = [&]<class Some>() {
    const long count = numel / Some::size;
    kernel.template operator()<Some>(count, blocks_for(count, threads), data...);
  };
  if ((in_packs<T>(data, numel) && ...))
    as.template operator()<Pack<T>>();
  else
    as.template operator()<Pack<T, 1>>();
}

}  // namespace

void silu_mul(const void* gate, const void* up, void* out, long numel, dtype type, Stream stream) {
  if (numel == 0) return;
  with_type(type, [&]<class T>() {
    start<T>(
        [&]<class Some>(long count, unsigned blocks, auto...) {
          forward<<<blocks, threads, 0, stream>>>(
              static_cast<const Some*>(gate), static_cast<const Some*>(up), static_cast<Some*>(out), count);
        },
        numel, gate, up, out);
  });
  check_launch("silu_mul");
}

void silu_mul_backward(const void* gate, const void* up, const void* gradient, void* gate_gradient,
                       void* up_gradient, void* out, long numel, dtype type, Stream stream) {
  if (numel == 0) return;
  with_type(type, [&]<class T>() {
    start<T>(
        [&]<class Some>(long count, unsigned blocks, auto...) {
          backward<<<blocks, threads, 0, stream>>>(
              static_cast<const Some*>(gate), static_cast<const Some*>(up),
              static_cast<const Some*>(gradient), static_cast<Some*>(gate_gradient),
              static_cast<Some*>(up_gradient), static_cast<Some*>(out), count);
        },
        numel, gate, up, gradient, gate_gradient, up_gradient, out);
  });
  check_launch("silu_mul_backward");
}

}  // namespace ashlar::cuda
