#include <ashlar/kernels/elements.cuh>
#include <ashlar/kernels/rope.hpp>

namespace ashlar::cuda {
namespace {

constexpr int heads_a_thread = 4;

// A thread turns `size` neighbouring pairs in some heads of one row: their angles are the same.
template <class T, int size>
__global__ void turn(const T* x, T* out, long rows, long tokens, long heads, long width, float base,
                     float sign) {
  const long half = width / 2, threads_a_row = half / size;
  const long thread = blockIdx.x * static_cast<long>(blockDim.x) + threadIdx.x;
  const long groups = (heads + heads_a_thread - 1) / heads_a_thread;
  const long row = thread / (threads_a_row * groups), group = thread / threads_a_row % groups;
  const long first = thread % threads_a_row * size;
  if (row >= rows) return;
  float cosine[size], sine[size];
  for (int k = 0; k < size; ++k) {
    const float exponent = static_cast<float>(2 * (first + k)) / -static_cast<float>(width);
    sincosf(static_cast<float>(row % tokens) * powf(base, exponent), &sine[k], &cosine[k]);
    sine[k] *= sign;
  }
  using Some = Pack<T, size>;
#pragma unroll
  for (int i = 0; i < heads_a_thread; ++i) {
    const long head = group * heads_a_thread + i;
    if (head >= heads) return;
    const long at = (row * heads + head) * width + first;
    const Some a = *reinterpret_cast<const Some*>(x + at), b = *reinterpret_cast<const Some*>(x + at + half);
    Some turned_a, turned_b;
    for (int k = 0; k < size; ++k) {
      const float p = wide(a.values[k]), q = wide(b.values[k]);
      turned_a.values[k] = narrow<T>(p * cosine[k] - q * sine[k]);
      turned_b.values[k] = narrow<T>(q * cosine[k] + p * sine[k]);
    }
    *reinterpret_cast<Some*>(out + at) = turned_a;
    *reinterpret_cast<Some*>(out + at + half) = turned_b;
  }
}

}  // namespace

void rope(const void* x, void* out, long rows, long tokens, long heads, long width, double base, bool back,
          dtype type, Stream stream) {
  if (rows == 0) return;
  constexpr int threads = 128;
  with_type(type, [&]<class T>() {
    const auto start = [&]<int size>() {
      const long groups = (heads + heads_a_thread - 1) / heads_a_thread;
      turn<T, size><<<blocks_for(rows * groups * (width / 2 / size), threads), threads, 0, stream>>>(
          static_cast<const T*>(x), static_cast<T*>(out), rows, tokens, heads, width,
          static_cast<float>(base), back ? -1.f : 1.f);
    };
    if (in_packs<T>(x, width / 2) && in_packs<T>(out, width / 2))
      start.template operator()<Pack<T>::size>();
    else
      start.template operator()<1>();
  });
  check_launch("rope");
}

}  // namespace ashlar::cuda
