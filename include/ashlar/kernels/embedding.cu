#include <ashlar/kernels/elements.cuh>
#include <ashlar/kernels/embedding.hpp>

namespace ashlar::cuda {
namespace {

constexpr int across = 64, down = 4, at_once = 4;

// Block (i, part) sums the rows of the id whose first place is i, in its `across` packs of columns: every
// down-th row by one row of threads, `at_once` loads in flight.
template <class T, class W, int size>
__global__ void __launch_bounds__(across* down)
    sum_rows(const std::int64_t* ids, const std::int64_t* order, const Pack<T, size>* gradient,
             Pack<W, size>* window, long count, long words, long packs) {
  const long first = blockIdx.x;
  const std::int64_t id = ids[first];
  if (id < 0 || id >= words || (first > 0 && ids[first - 1] == id)) return;
  __shared__ float shared[down][size][across];
  const long pack = blockIdx.y * static_cast<long>(across) + threadIdx.x;
  float sums[size] = {};
  bool more = pack < packs;
  for (long i = first + threadIdx.y; more; i += at_once * down) {
    Pack<T, size> rows[at_once];
    bool same[at_once];
#pragma unroll
    for (int k = 0; k < at_once; ++k) same[k] = i + k * down < count && ids[i + k * down] == id;
#pragma unroll
    for (int k = 0; k < at_once; ++k)
      if (same[k]) rows[k] = gradient[order[i + k * down] * packs + pack];
#pragma unroll
    for (int k = 0; k < at_once; ++k)
      for (int j = 0; j < size; ++j)
        if (same[k]) sums[j] += wide(rows[k].values[j]);
    more = same[at_once - 1];
  }
  for (int j = 0; j < size; ++j) shared[threadIdx.y][j][threadIdx.x] = sums[j];
  __syncthreads();
  if (threadIdx.y > 0 || pack >= packs) return;
  Pack<W, size> out;
  for (int j = 0; j < size; ++j) {
    float sum = 0;
    for (int y = 0; y < down; ++y) sum += shared[y][j][threadIdx.x];
    out.values[j] = narrow<W>(sum);
  }
  window[id * packs + pack] = out;
}

}  // namespace

void embedding_backward(const std::int64_t* ids, const std::int64_t* order, const void* gradient,
                        void* window, long count, long words, long dim, dtype type, dtype window_type,
                        Stream stream) {
  if (count == 0 || dim == 0) return;
  with_type(type, [&]<class T>() {
    with_type(window_type, [&]<class W>() {
      const auto start = [&]<int size>() {
        const long packs = dim / size;
        sum_rows<T, W, size>
            <<<dim3(static_cast<unsigned>(count), blocks_for(packs, across)), dim3(across, down), 0,
               stream>>>(ids, order, static_cast<const Pack<T, size>*>(gradient),
                         static_cast<Pack<W, size>*>(window), count, words, packs);
      };
      // Four elements are 16 bytes of float32: what is aligned for them is aligned for bfloat16.
      if (in_packs<float>(dim, gradient, window))
        start.template operator()<4>();
      else
        start.template operator()<1>();
    });
  });
  check_launch("embedding_backward");
}

}  // namespace ashlar::cuda
