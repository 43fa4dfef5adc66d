#include <ashlar/kernels/elements.cuh>
#include <ashlar/kernels/squared_norm.hpp>

namespace ashlar::cuda {
namespace {

constexpr int threads = 256;

struct Sum {
  double value = 0;

  __device__ Sum from_lane(int distance) const { return {__shfl_down_sync(~0u, value, distance)}; }
  __device__ static Sum of_both(const Sum& a, const Sum& b) { return {a.value + b.value}; }
};

template <class Some>
__global__ void __launch_bounds__(threads) square(const Some* x, double* partial, long count) {
  __shared__ Sum shared[threads / 32];
  Sum own;
#pragma unroll 4
  for (long i = blockIdx.x * static_cast<long>(threads) + threadIdx.x; i < count; i += gridDim.x * threads) {
    const Some pack = x[i];
    for (const auto value : pack.values) {
      const double exact = wide(value);
      own.value += exact * exact;
    }
  }
  const Sum all = over_block(own, shared, Sum::of_both);
  if (threadIdx.x == 0) partial[blockIdx.x] = all.value;
}

__global__ void __launch_bounds__(threads) add_up(const double* partial, double* sum) {
  __shared__ Sum shared[threads / 32];
  Sum own;
  for (long i = threadIdx.x; i < square_parts; i += threads) own.value += partial[i];
  const Sum all = over_block(own, shared, Sum::of_both);
  if (threadIdx.x == 0) *sum += all.value;
}

}  // namespace

void add_squares(const void* x, double* partial, double* sum, long numel, dtype type, Stream stream) {
  with_type(type, [&]<class T>() {
    const auto start = [&]<class Some>() {
      square<<<static_cast<unsigned>(square_parts), threads, 0, stream>>>(static_cast<const Some*>(x),
                                                                          partial, numel / Some::size);
    };
    if (in_packs<T>(x, numel))
      start.template operator()<Pack<T>>();
    else
      start.template operator()<Pack<T, 1>>();
  });
  add_up<<<1, threads, 0, stream>>>(partial, sum);
  check_launch("add_squares");
}

}  // namespace ashlar::cuda
