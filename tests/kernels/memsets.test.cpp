// gpus: 1
// Memsets of a graph that became kernels set the same bytes, after what they waited for and before what waits
// for them.
#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include <vector>

#include <ashlar/kernels/memsets.hpp>

#include "support/catch.hpp"

namespace ashlar::test {
namespace {

using at::Tensor;

// A graph that copies `from` to `to`, then sets elements of `to`, then copies `to` to `result`.
struct Graph {
  cudaGraph_t graph{};

  Graph(const Tensor& from, const Tensor& to, const Tensor& result, std::vector<cudaMemsetParams> memsets) {
    C10_CUDA_CHECK(cudaGraphCreate(&graph, 0));
    cudaGraphNode_t first, last;
    C10_CUDA_CHECK(cudaGraphAddMemcpyNode1D(&first, graph, nullptr, 0, to.data_ptr(), from.data_ptr(),
                                            from.nbytes(), cudaMemcpyDeviceToDevice));
    std::vector<cudaGraphNode_t> early{first};
    for (const cudaMemsetParams& memset : memsets) {
      cudaGraphNode_t node;
      C10_CUDA_CHECK(cudaGraphAddMemsetNode(&node, graph, &first, 1, &memset));
      early.push_back(node);
    }
    C10_CUDA_CHECK(cudaGraphAddMemcpyNode1D(&last, graph, early.data(), early.size(), result.data_ptr(),
                                            to.data_ptr(), to.nbytes(), cudaMemcpyDeviceToDevice));
  }
  Graph(const Graph&) = delete;
  ~Graph() { cudaGraphDestroy(graph); }

  void run() const {
    cudaGraphExec_t exec;
    C10_CUDA_CHECK(cudaGraphInstantiate(&exec, graph, 0));
    C10_CUDA_CHECK(cudaGraphLaunch(exec, c10::cuda::getCurrentCUDAStream()));
    C10_CUDA_CHECK(cudaStreamSynchronize(c10::cuda::getCurrentCUDAStream()));
    C10_CUDA_CHECK(cudaGraphExecDestroy(exec));
  }
};

TEST_CASE("memsets that became kernels set the same bytes at the same time") {
  const long numel = 4 << 20;
  const Tensor from = at::randint(256, {numel}, at::TensorOptions().dtype(at::kByte).device(at::kCUDA));
  const Tensor to = at::zeros_like(from), due = at::zeros_like(from), got = at::zeros_like(from);
  auto* bytes = static_cast<unsigned char*>(to.data_ptr());
  const std::vector<cudaMemsetParams> memsets{
      {.dst = bytes + 1, .pitch = 0, .value = 0x5a, .elementSize = 1, .width = 1, .height = 1},
      {.dst = bytes + 3, .pitch = 0, .value = 0, .elementSize = 1, .width = 1000, .height = 1},
      {.dst = bytes + 2002, .pitch = 0, .value = 0x1234, .elementSize = 2, .width = 333, .height = 1},
      {.dst = bytes + 4096, .pitch = 0, .value = 0x89abcdef, .elementSize = 4, .width = 4099, .height = 1},
      {.dst = bytes + 32768, .pitch = 512, .value = 0x77, .elementSize = 1, .width = 100, .height = 5},
      {.dst = bytes + 65536, .pitch = 0, .value = 0, .elementSize = 4, .width = 1 << 18, .height = 1},
      {.dst = bytes + (2 << 20),
       .pitch = 0,
       .value = 0xff,
       .elementSize = 1,
       .width = (1 << 20) + 1,
       .height = 1}};
  Graph(from, to, due, memsets).run();
  const Graph graph(from, to, got, memsets);
  CHECK(cuda::memsets_to_kernels(graph.graph) == 5);  // all but the one of rows, and the large one
  CHECK(cuda::memsets_to_kernels(graph.graph) == 0);
  for (int again = 0; again < 2; ++again) {
    to.zero_();
    got.zero_();
    graph.run();
    CHECK(got.equal(due));
  }
  CHECK_FALSE(due.equal(from));
}

}  // namespace
}  // namespace ashlar::test
