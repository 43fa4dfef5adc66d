#include <ashlar/kernels/column_sums.hpp>
#include <ashlar/kernels/elements.cuh>

namespace ashlar::cuda {
namespace {

constexpr int across = 32, down = 8;  // threads of a block

// Block (i, part) takes `across` packs of columns, and of the rows every row_parts-th group of `down`.
template <class Some>
__global__ void sum_parts(const Some* x, float* partial, long rows, long packs) {
  __shared__ float shared[down][across * Some::size];
  const long pack = blockIdx.x * static_cast<long>(across) + threadIdx.x;
  float sums[Some::size] = {};
  if (pack < packs)
    for (long row = blockIdx.y * static_cast<long>(down) + threadIdx.y; row < rows; row += row_parts * down) {
      const Some values = x[row * packs + pack];
      for (int k = 0; k < Some::size; ++k) sums[k] += wide(values.values[k]);
    }
  for (int k = 0; k < Some::size; ++k) shared[threadIdx.y][threadIdx.x * Some::size + k] = sums[k];
  __syncthreads();
  if (threadIdx.y > 0 || pack >= packs) return;
  for (int k = 0; k < Some::size; ++k) {
    float sum = 0;
    for (int y = 0; y < down; ++y) sum += shared[y][threadIdx.x * Some::size + k];
    partial[(blockIdx.y * packs + pack) * Some::size + k] = sum;
  }
}

template <class T>
__global__ void sum_of_parts(const float* partial, T* sums, long columns) {
  const long column = blockIdx.x * static_cast<long>(blockDim.x) + threadIdx.x;
  if (column >= columns) return;
  float sum = 0;
  for (long part = 0; part < row_parts; ++part) sum += partial[part * columns + column];
  sums[column] = narrow<T>(sum);
}

}  // namespace

void column_sums(const void* x, float* partial, void* sums, long rows, long columns, dtype type,
                 Stream stream) {
  if (columns == 0) return;
  with_type(type, [&]<class T>() {
    const auto start = [&]<class Some>() {
      const long packs = columns / Some::size;
      sum_parts<<<dim3(blocks_for(packs, across), row_parts), dim3(across, down), 0, stream>>>(
          static_cast<const Some*>(x), partial, rows, packs);
    };
    if (in_packs<T>(x, columns))
      start.template operator()<Pack<T>>();
    else
      start.template operator()<Pack<T, 1>>();
    sum_of_parts<<<blocks_for(columns, 256), 256, 0, stream>>>(partial, static_cast<T*>(sums), columns);
  });
  check_launch("column_sums");
}

}  // namespace ashlar::cuda
