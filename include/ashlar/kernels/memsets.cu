#include <vector>

#include <ashlar/kernels/elements.cuh>
#include <ashlar/kernels/memsets.hpp>

namespace ashlar::cuda {
namespace {

constexpr std::size_t most = 1 << 20;  // bytes: of more, the writing takes longer than the wait

__global__ void set(unsigned char* to, std::size_t bytes, unsigned value, unsigned element_size) {
  const std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x;
  if (i < bytes) to[i] = static_cast<unsigned char>(value >> 8 * (i % element_size));
}

void check(cudaError_t code) {
  if (code != cudaSuccess)
    throw Error("kernels.2", "a captured step whose memsets become kernels", cudaGetErrorString(code),
                "write replay::None");
}

// CUDA 13 tells of each edge what kind it is, too. Those of a memset are of the ordinary one.
cudaError_t dependencies(cudaGraphNode_t node, cudaGraphNode_t* found, std::size_t* count) {
#if CUDART_VERSION >= 13000
  return cudaGraphNodeGetDependencies(node, found, nullptr, count);
#else
  return cudaGraphNodeGetDependencies(node, found, count);
#endif
}
cudaError_t dependents(cudaGraphNode_t node, cudaGraphNode_t* found, std::size_t* count) {
#if CUDART_VERSION >= 13000
  return cudaGraphNodeGetDependentNodes(node, found, nullptr, count);
#else
  return cudaGraphNodeGetDependentNodes(node, found, count);
#endif
}
cudaError_t depend(cudaGraph_t graph, const cudaGraphNode_t* early, const cudaGraphNode_t* late,
                   std::size_t count) {
#if CUDART_VERSION >= 13000
  return cudaGraphAddDependencies(graph, early, late, nullptr, count);
#else
  return cudaGraphAddDependencies(graph, early, late, count);
#endif
}

// What `list` counts and then lists.
template <class List>
std::vector<cudaGraphNode_t> nodes(List list) {
  std::size_t count = 0;
  check(list(nullptr, &count));
  std::vector<cudaGraphNode_t> found(count);
  if (count > 0) check(list(found.data(), &count));
  return found;
}

}  // namespace

int memsets_to_kernels(cudaGraph_t graph) {
  int replaced = 0;
  for (const cudaGraphNode_t node : nodes([&](auto... out) { return cudaGraphGetNodes(graph, out...); })) {
    cudaGraphNodeType type;
    if (cudaGraphNodeGetType(node, &type) != cudaSuccess) {  // one that only the driver knows, as NCCL's are
      cudaGetLastError();
      continue;
    }
    if (type != cudaGraphNodeTypeMemset) continue;
    cudaMemsetParams told;
    check(cudaGraphMemsetNodeGetParams(node, &told));
    std::size_t bytes = told.width * told.elementSize;
    if (told.height != 1 || bytes > most) continue;

    constexpr int threads = 256;
    void* arguments[] = {&told.dst, &bytes, &told.value, &told.elementSize};
    cudaKernelNodeParams kernel{};
    kernel.func = reinterpret_cast<void*>(set);
    kernel.gridDim = dim3(blocks_for(static_cast<long>(bytes), threads));
    kernel.blockDim = dim3(threads);
    kernel.kernelParams = arguments;
    const std::vector early = nodes([&](auto... out) { return dependencies(node, out...); }),
                      late = nodes([&](auto... out) { return dependents(node, out...); });
    cudaGraphNode_t instead;
    check(cudaGraphAddKernelNode(&instead, graph, early.data(), early.size(), &kernel));
    check(depend(graph, std::vector(late.size(), instead).data(), late.data(), late.size()));
    check(cudaGraphDestroyNode(node));
    ++replaced;
  }
  return replaced;
}

}  // namespace ashlar::cuda
