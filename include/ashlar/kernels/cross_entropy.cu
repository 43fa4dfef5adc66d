#include <ashlar/kernels/cross_entropy.hpp>
#include <ashlar/kernels/elements.cuh>

#include <cmath>

namespace ashlar::cuda {
namespace {

constexpr int threads = 512;

// The sum of exp of some numbers, as exp(most) * sum. Milakov and Gimelshein 2018, arXiv:1805.02867.
struct ExpSum {
  float most = -INFINITY, sum = 0;

  __device__ ExpSum from_lane(int distance) const {
    return {__shfl_down_sync(~0u, most, distance), __shfl_down_sync(~0u, sum, distance)};
  }
  __device__ static float scaled(const ExpSum& part, float most) {
    return part.sum == 0 ? 0 : part.sum * __expf(part.most - most);
  }
  __device__ static ExpSum of_both(const ExpSum& a, const ExpSum& b) {
    const float most = fmaxf(a.most, b.most);
    return {most, scaled(a, most) + scaled(b, most)};
  }
};

// A row's elements before the first whole pack, and its packs.
template <class T>
struct Row {
  long head, packs, columns;

  __device__ Row(const T* row, long columns) : columns(columns) {
    const auto past = reinterpret_cast<std::uintptr_t>(row) % sizeof(Pack<T>);
    head = min(columns, static_cast<long>((sizeof(Pack<T>) - past) % sizeof(Pack<T>) / sizeof(T)));
    packs = (columns - head) / Pack<T>::size;
  }
  __device__ long tail() const { return head + packs * Pack<T>::size; }
};

template <class T>
__global__ void __launch_bounds__(threads)
    sum_rows(const T* logits, const std::int64_t* targets, float* log_sums, float* losses, long columns) {
  __shared__ ExpSum shared[threads / 32];
  const T* row = logits + blockIdx.x * columns;
  const Row<T> cut(row, columns);
  ExpSum own;
  const auto add = [&](float x) { own = ExpSum::of_both(own, {x, 1}); };
  for (long i = threadIdx.x; i < cut.head; i += threads) add(wide(row[i]));
  const auto* packs = reinterpret_cast<const Pack<T>*>(row + cut.head);
  for (long i = threadIdx.x; i < cut.packs; i += threads) {
    const Pack<T> pack = packs[i];
    ExpSum part;
    for (const T x : pack.values) part.most = fmaxf(part.most, wide(x));
    for (const T x : pack.values) part.sum += __expf(wide(x) - part.most);
    own = ExpSum::of_both(own, part);
  }
  for (long i = cut.tail() + threadIdx.x; i < columns; i += threads) add(wide(row[i]));

  const ExpSum all = over_block(own, shared, ExpSum::of_both);
  if (threadIdx.x > 0) return;
  const std::int64_t target = targets[blockIdx.x];
  const float log_sum = all.most + logf(all.sum);
  log_sums[blockIdx.x] = log_sum;
  losses[blockIdx.x] = target >= 0 && target < columns ? log_sum - wide(row[target]) : NAN;
}

template <class T>
__global__ void __launch_bounds__(threads)
    write_gradient(T* logits, const std::int64_t* targets, const float* log_sums, const float* upstream,
                   long columns) {
  T* row = logits + blockIdx.x * columns;
  const Row<T> cut(row, columns);
  const float scale = *upstream / static_cast<float>(gridDim.x), log_sum = log_sums[blockIdx.x];
  const std::int64_t target = targets[blockIdx.x];
  const auto gradient = [&](long i, T x) {
    return narrow<T>((__expf(wide(x) - log_sum) - (i == target ? 1.f : 0.f)) * scale);
  };
  for (long i = threadIdx.x; i < cut.head; i += threads) row[i] = gradient(i, row[i]);
  auto* packs = reinterpret_cast<Pack<T>*>(row + cut.head);
  for (long i = threadIdx.x; i < cut.packs; i += threads) {
    Pack<T> pack = packs[i];
    for (int k = 0; k < Pack<T>::size; ++k)
      pack.values[k] = gradient(cut.head + i * Pack<T>::size + k, pack.values[k]);
    packs[i] = pack;
  }
  for (long i = cut.tail() + threadIdx.x; i < columns; i += threads) row[i] = gradient(i, row[i]);
}

}  // namespace

void cross_entropy(const void* logits, const std::int64_t* targets, float* log_sums, float* losses, long rows,
                   long columns, dtype type, Stream stream) {
  if (rows == 0) return;
  with_type(type, [&]<class T>() {
    sum_rows<<<static_cast<unsigned>(rows), threads, 0, stream>>>(static_cast<const T*>(logits), targets,
                                                                  log_sums, losses, columns);
  });
  check_launch("cross_entropy");
}

void cross_entropy_backward(void* logits, const std::int64_t* targets, const float* log_sums,
                            const float* upstream, long rows, long columns, dtype type, Stream stream) {
  if (rows == 0) return;
  with_type(type, [&]<class T>() {
    write_gradient<<<static_cast<unsigned>(rows), threads, 0, stream>>>(static_cast<T*>(logits), targets,
                                                                        log_sums, upstream, columns);
  });
  check_launch("cross_entropy_backward");
}

}  // namespace ashlar::cuda
