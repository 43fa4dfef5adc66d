#include <ashlar/kernels/elements.cuh>
#include <ashlar/kernels/norm.hpp>

namespace ashlar::cuda {
namespace {

constexpr int most_threads = 512, elements_a_thread = 16;
static_assert(most_threads * elements_a_thread == widest_norm);

struct Sums {
  float a = 0, b = 0;

  __device__ Sums from_lane(int distance) const {
    return {__shfl_down_sync(~0u, a, distance), __shfl_down_sync(~0u, b, distance)};
  }
  __device__ static Sums of_both(const Sums& x, const Sums& y) { return {x.a + y.a, x.b + y.b}; }
};

// The packs of a row that this thread holds: at most `size`, every blockDim.x-th.
template <class Some>
struct Held {
  static constexpr int size = elements_a_thread / Some::size;
  Some packs[size];

  __device__ static void each(long packs, auto&& f) {
#pragma unroll
    for (int k = 0; k < size; ++k)
      if (const long i = threadIdx.x + k * static_cast<long>(blockDim.x); i < packs) f(k, i);
  }
};

// One block a row.
template <bool centred, class Some>
__global__ void __launch_bounds__(most_threads)
    forward(const Some* x, const Some* delta, const Some* weight, const Some* bias, Some* sum, Some* y,
            float* means, float* roots, long packs, float epsilon) {
  using T = typename Some::value_type;
  using Row = Held<Some>;
  __shared__ Sums shared[2][most_threads / 32];
  const long first = blockIdx.x * packs;
  const float dim = static_cast<float>(packs * Some::size);
  Row row;
  Sums total;
  Row::each(packs, [&](int k, long i) { row.packs[k] = x[first + i]; });
  if (delta != nullptr)
    Row::each(packs, [&](int k, long i) {
      const Some added = delta[first + i];
      for (int j = 0; j < Some::size; ++j)
        row.packs[k].values[j] = narrow<T>(wide(row.packs[k].values[j]) + wide(added.values[j]));
      sum[first + i] = row.packs[k];
    });

  float mean = 0;
  if constexpr (centred) {
    Row::each(packs, [&](int k, long) {
      for (const T value : row.packs[k].values) total.a += wide(value);
    });
    mean = over_block(total, shared[0], Sums::of_both).a / dim;
  }
  total = {};
  Row::each(packs, [&](int k, long) {
    for (const T value : row.packs[k].values) total.a += (wide(value) - mean) * (wide(value) - mean);
  });
  const float root = rsqrtf(over_block(total, shared[1], Sums::of_both).a / dim + epsilon);

  Row::each(packs, [&](int k, long i) {
    const Some w = weight[i];
    Some b, out;
    if constexpr (centred) b = bias[i];
    for (int j = 0; j < Some::size; ++j) {
      const float scaled = (wide(row.packs[k].values[j]) - mean) * root * wide(w.values[j]);
      out.values[j] = narrow<T>(centred ? scaled + wide(b.values[j]) : scaled);
    }
    y[first + i] = out;
  });
  if (threadIdx.x > 0) return;
  if constexpr (centred) means[blockIdx.x] = mean;
  roots[blockIdx.x] = root;
}

// Block p takes the rows p, p + gridDim.x, ... and adds up what they mean for weight and bias.
template <bool centred, class Some>
__global__ void __launch_bounds__(most_threads)
    backward(const Some* x, const Some* weight, const float* means, const float* roots, const Some* gradient,
             const Some* sum_gradient, Some* x_gradient, float* partial, long rows, long packs) {
  using T = typename Some::value_type;
  using Row = Held<Some>;
  __shared__ Sums shared[2][most_threads / 32];  // the next row must not meet a thread that still reads
  const float dim = static_cast<float>(packs * Some::size);
  float of_weight[Row::size][Some::size] = {}, of_bias[centred ? Row::size : 1][Some::size] = {};
  Row row, due, next_row, next_due, passed;
  const auto load_next = [&](long r) {
    if (r >= rows) return;
    Row::each(packs, [&](int k, long i) {
      next_row.packs[k] = x[r * packs + i];
      next_due.packs[k] = gradient[r * packs + i];
    });
  };
  load_next(blockIdx.x);
  int turn = 0;
  for (long r = blockIdx.x; r < rows; r += gridDim.x, turn ^= 1) {
    const long first = r * packs;
    const float mean = centred ? means[r] : 0, root = roots[r];
    row = next_row;
    due = next_due;
    load_next(r + gridDim.x);  // while this row's sums wait for all threads
    if (sum_gradient != nullptr)
      Row::each(packs, [&](int k, long i) { passed.packs[k] = sum_gradient[first + i]; });
    Sums sums;  // of what is due times the normalised element, and of what is due
    Row::each(packs, [&](int k, long i) {
      const Some w = weight[i];
      for (int j = 0; j < Some::size; ++j) {
        const float unit = (wide(row.packs[k].values[j]) - mean) * root, d = wide(due.packs[k].values[j]);
        sums.a += d * wide(w.values[j]) * unit;
        of_weight[k][j] += d * unit;
        if constexpr (centred) {
          sums.b += d * wide(w.values[j]);
          of_bias[k][j] += d;
        }
      }
    });
    sums = over_block(sums, shared[turn], Sums::of_both);
    Row::each(packs, [&](int k, long i) {
      const Some w = weight[i];
      Some out;
      for (int j = 0; j < Some::size; ++j) {
        const float unit = (wide(row.packs[k].values[j]) - mean) * root;
        const float of_unit = wide(due.packs[k].values[j]) * wide(w.values[j]);
        const float own = root * (of_unit - sums.b / dim - unit * (sums.a / dim));
        out.values[j] = narrow<T>(sum_gradient != nullptr ? own + wide(passed.packs[k].values[j]) : own);
      }
      x_gradient[first + i] = out;
    });
  }
  if (partial == nullptr) return;
  const long columns = packs * Some::size;
  Row::each(packs, [&](int k, long i) {
    for (int j = 0; j < Some::size; ++j) {
      const long at = blockIdx.x * columns + i * Some::size + j;
      partial[at] = of_weight[k][j];
      if constexpr (centred) partial[gridDim.x * columns + at] = of_bias[k][j];
    }
  });
}

constexpr int across = 32, down = 32;

// The sums of columns of (parts, columns).
template <class T>
__global__ void sum_of_parts(const float* partial, T* sums, long parts, long columns) {
  __shared__ float shared[down][across];
  const long column = blockIdx.x * static_cast<long>(across) + threadIdx.x;
  float sum = 0;
  if (column < columns)
    for (long part = threadIdx.y; part < parts; part += down) sum += partial[part * columns + column];
  shared[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y > 0 || column >= columns) return;
  for (int y = 1; y < down; ++y) sum += shared[y][threadIdx.x];
  sums[column] = narrow<T>(sum);
}

// Calls f.operator()<centred, Some>(packs of a row, threads of a block).
template <class T>
void start(const Norm& norm, bool whole, auto&& f) {
  const auto as = [&]<class Some>() {
    const long packs = norm.dim / Some::size;
    const long wanted = (norm.dim + elements_a_thread - 1) / elements_a_thread;
    const int threads = static_cast<int>((wanted + 31) / 32 * 32);
    if (norm.bias != nullptr)
      f.template operator()<true, Some>(packs, threads);
    else
      f.template operator()<false, Some>(packs, threads);
  };
  if (whole)
    as.template operator()<Pack<T>>();
  else
    as.template operator()<Pack<T, 1>>();
}

}  // namespace

void norm(const Norm& norm, const void* x, const void* delta, void* sum, void* y, double epsilon,
          Stream stream) {
  if (norm.rows == 0) return;
  with_type(norm.type, [&]<class T>() {
    const bool whole = in_packs<T>(norm.dim, x, delta, norm.weight, norm.bias, sum, y);
    start<T>(norm, whole, [&]<bool centred, class Some>(long packs, int threads) {
      forward<centred><<<static_cast<unsigned>(norm.rows), threads, 0, stream>>>(
          static_cast<const Some*>(x), static_cast<const Some*>(delta), static_cast<const Some*>(norm.weight),
          static_cast<const Some*>(norm.bias), static_cast<Some*>(sum), static_cast<Some*>(y), norm.means,
          norm.roots, packs, static_cast<float>(epsilon));
    });
  });
  check_launch("norm");
}

void norm_backward(const Norm& norm, const void* x, const void* gradient, const void* sum_gradient,
                   void* x_gradient, float* partial, void* weight_gradient, void* bias_gradient,
                   Stream stream) {
  const long parts = norm_parts(norm.rows, norm.dim);
  with_type(norm.type, [&]<class T>() {
    const bool whole = in_packs<T>(norm.dim, x, norm.weight, gradient, sum_gradient, x_gradient);
    start<T>(norm, whole, [&]<bool centred, class Some>(long packs, int threads) {
      if (norm.rows == 0) return;
      backward<centred><<<static_cast<unsigned>(parts), threads, 0, stream>>>(
          static_cast<const Some*>(x), static_cast<const Some*>(norm.weight), norm.means, norm.roots,
          static_cast<const Some*>(gradient), static_cast<const Some*>(sum_gradient),
          static_cast<Some*>(x_gradient), partial, norm.rows, packs);
    });
    if (partial == nullptr) return;
    const auto add_up = [&](const float* from, void* to) {
      sum_of_parts<<<blocks_for(norm.dim, across), dim3(across, down), 0, stream>>>(from, static_cast<T*>(to),
                                                                                    parts, norm.dim);
    };
    add_up(partial, weight_gradient);
    if (norm.bias != nullptr) add_up(partial + parts * norm.dim, bias_gradient);
  });
  check_launch("norm_backward");
}

}  // namespace ashlar::cuda
