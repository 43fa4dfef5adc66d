// What the kernels share: elements in packs of 16 bytes, computed in float32, and sums over a block.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <string>
#include <utility>

#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/error.hpp>

namespace ashlar::cuda {

using bf16 = __nv_bfloat16;

__device__ inline float wide(float x) {
  return x;
}
__device__ inline float wide(bf16 x) {
  return __bfloat162float(x);
}
template <class T>
__device__ T narrow(float x) {
  if constexpr (sizeof(T) == 2)
    return __float2bfloat16_rn(x);
  else
    return x;
}

// What one thread loads at once.
template <class T, int count = 16 / sizeof(T)>
struct alignas(count * sizeof(T)) Pack {
  using value_type = T;
  static constexpr int size = count;
  T values[count];
};

template <class T>
bool in_packs(const void* data, long numel) {
  return reinterpret_cast<std::uintptr_t>(data) % sizeof(Pack<T>) == 0 && numel % Pack<T>::size == 0;
}

// The same of several tensors with rows of `dim` elements; a null pointer is none of them.
template <class T>
bool in_packs(long dim, const auto*... data) {
  return (in_packs<T>(data, dim) && ...);
}

// Calls f.operator()<T>() for the type that holds elements of `type`.
template <class F>
void with_type(dtype type, F&& f) {
  if (type == dtype::bf16)
    f.template operator()<bf16>();
  else
    f.template operator()<float>();
}

inline void check_launch(const char* kernel) {
  if (const cudaError_t code = cudaGetLastError(); code != cudaSuccess)
    throw Error("kernels.1", std::string(kernel) + " to start", cudaGetErrorString(code),
                "build for this GPU: CMAKE_CUDA_ARCHITECTURES");
}

inline unsigned blocks_for(long items, int threads) {
  return static_cast<unsigned>((items + threads - 1) / threads);
}

// combine(a, b) over the values of all threads of a block, in an order that is always the same; every thread
// gets it. `shared`: one T for each warp.
template <class T, class Combine>
__device__ T over_block(T value, T* shared, Combine combine) {
  for (int distance = 16; distance > 0; distance /= 2) value = combine(value, value.from_lane(distance));
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  if (lane == 0) shared[warp] = value;
  __syncthreads();
  value = shared[0];
  for (int other = 1; other < static_cast<int>(blockDim.x) / 32; ++other)
    value = combine(value, shared[other]);
  return value;
}

}  // namespace ashlar::cuda
