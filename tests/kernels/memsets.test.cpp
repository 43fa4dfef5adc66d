// gpus: 1
// Memsets of a graph that became kernels set the same bytes, after what they waited for and before what waits
// for them.
#include <ATen/ATen.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <map>
#include <set>
#include <utility>
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

// The edges of a graph, its nodes named by what they set or copy to.
using Edges = std::set<std::pair<void*, void*>>;
Edges edges(cudaGraph_t graph, const std::map<cudaGraphNode_t, void*>& names) {
  std::size_t count = 0;
  C10_CUDA_CHECK(cudaGraphGetEdges(graph, nullptr, nullptr, nullptr, &count));
  std::vector<cudaGraphNode_t> early(count), late(count);
  C10_CUDA_CHECK(cudaGraphGetEdges(graph, early.data(), late.data(), nullptr, &count));
  Edges found;
  for (std::size_t i = 0; i < count; ++i) found.emplace(names.at(early[i]), names.at(late[i]));
  REQUIRE(found.size() == count);
  return found;
}

// What each node writes, whether a memset, a kernel in place of one, or a copy.
std::map<cudaGraphNode_t, void*> written(cudaGraph_t graph) {
  std::size_t count = 0;
  C10_CUDA_CHECK(cudaGraphGetNodes(graph, nullptr, &count));
  std::vector<cudaGraphNode_t> nodes(count);
  C10_CUDA_CHECK(cudaGraphGetNodes(graph, nodes.data(), &count));
  std::map<cudaGraphNode_t, void*> names;
  for (const cudaGraphNode_t node : nodes) {
    cudaGraphNodeType type;
    C10_CUDA_CHECK(cudaGraphNodeGetType(node, &type));
    if (type == cudaGraphNodeTypeMemset) {
      cudaMemsetParams memset;
      C10_CUDA_CHECK(cudaGraphMemsetNodeGetParams(node, &memset));
      names[node] = memset.dst;
    } else if (type == cudaGraphNodeTypeKernel) {
      cudaKernelNodeParams kernel;
      C10_CUDA_CHECK(cudaGraphKernelNodeGetParams(node, &kernel));
      names[node] = *static_cast<void**>(kernel.kernelParams[0]);
    } else {
      cudaMemcpy3DParms copy;
      C10_CUDA_CHECK(cudaGraphMemcpyNodeGetParams(node, &copy));
      names[node] = copy.dstPtr.ptr;
    }
  }
  return names;
}

TEST_CASE("kernels wait for what the memsets waited for, and are waited for alike") {
  const Tensor memory = at::zeros({4096}, at::TensorOptions().dtype(at::kByte).device(at::kCUDA));
  auto* bytes = static_cast<unsigned char*>(memory.data_ptr());
  cudaGraph_t graph;
  C10_CUDA_CHECK(cudaGraphCreate(&graph, 0));
  const auto memset = [&](int at, std::vector<cudaGraphNode_t> early) {
    const cudaMemsetParams told{
        .dst = bytes + at, .pitch = 0, .value = 1, .elementSize = 1, .width = 64, .height = 1};
    cudaGraphNode_t node;
    C10_CUDA_CHECK(cudaGraphAddMemsetNode(&node, graph, early.data(), early.size(), &told));
    return node;
  };
  // One with nothing before it, two behind it, one behind another memset and a copy, one with nothing behind.
  const cudaGraphNode_t root = memset(0, {}), left = memset(64, {root}), right = memset(128, {root});
  cudaGraphNode_t copy;
  C10_CUDA_CHECK(
      cudaGraphAddMemcpyNode1D(&copy, graph, &left, 1, bytes + 256, bytes, 64, cudaMemcpyDeviceToDevice));
  memset(512, {copy, right});
  const Edges before = edges(graph, written(graph));
  CHECK(before.size() == 5);
  CHECK(cuda::memsets_to_kernels(graph) == 4);
  CHECK(edges(graph, written(graph)) == before);
  C10_CUDA_CHECK(cudaGraphDestroy(graph));
}

TEST_CASE("memsets of a captured stream become kernels, and the graph replays") {
  const Tensor values = at::zeros({1000}, at::TensorOptions().dtype(at::kByte).device(at::kCUDA));
  const Tensor doubled = at::zeros_like(values);
  const c10::cuda::CUDAStreamGuard guard(c10::cuda::getStreamFromPool());
  at::cuda::CUDAGraph graph(/*keep_graph=*/true);
  graph.capture_begin();
  values.add_(3);
  C10_CUDA_CHECK(cudaMemsetAsync(values.data_ptr(), 7, 500, c10::cuda::getCurrentCUDAStream()));
  doubled.copy_(values).mul_(2);
  graph.capture_end();
  CHECK(cuda::memsets_to_kernels(graph.raw_cuda_graph()) == 1);
  graph.instantiate();
  for (int replays = 1; replays <= 2; ++replays) {
    graph.replay();
    CHECK(doubled.narrow(0, 0, 500).eq(14).all().item<bool>());
    CHECK(doubled.narrow(0, 500, 500).eq(6 * replays).all().item<bool>());
  }
}

}  // namespace
}  // namespace ashlar::test
