#include <optional>
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

// An error means that something stays as it is, and is nobody else's.
bool done(cudaError_t code) {
  if (code != cudaSuccess) cudaGetLastError();
  return code == cudaSuccess;
}

// CUDA 13 tells of each edge what kind it is, too. Asked without, it refuses what is not of the ordinary one.
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
std::optional<std::vector<cudaGraphNode_t>> nodes(List list) {
  std::size_t count = 0;
  if (!done(list(nullptr, &count))) return {};
  std::vector<cudaGraphNode_t> found(count);
  if (count > 0 && !done(list(found.data(), &count))) return {};
  return found;
}

// None of a node that only the driver knows, such as the memory operations of NCCL's copies.
std::optional<cudaGraphNodeType> type_of(cudaGraphNode_t node) {
  cudaGraphNodeType type;
  if (!done(cudaGraphNodeGetType(node, &type))) return {};
  return type;
}

bool to_kernel(cudaGraph_t graph, cudaGraphNode_t memset) {
  cudaMemsetParams told;
  if (!done(cudaGraphMemsetNodeGetParams(memset, &told))) return false;
  std::size_t bytes = told.width * told.elementSize;
  if (told.height != 1 || bytes == 0 || bytes > most) return false;
  const auto early = nodes([&](auto... out) { return dependencies(memset, out...); });
  const auto late = nodes([&](auto... out) { return dependents(memset, out...); });
  if (!early || !late) return false;

  constexpr int threads = 256;
  void* arguments[] = {&told.dst, &bytes, &told.value, &told.elementSize};
  cudaKernelNodeParams parameters{};
  parameters.func = reinterpret_cast<void*>(set);
  parameters.gridDim = dim3(blocks_for(static_cast<long>(bytes), threads));
  parameters.blockDim = dim3(threads);
  parameters.kernelParams = arguments;
  cudaGraphNode_t kernel;
  if (!done(cudaGraphAddKernelNode(&kernel, graph, early->data(), early->size(), &parameters))) return false;
  const std::vector from(late->size(), kernel);
  if (done(depend(graph, from.data(), late->data(), late->size())) && done(cudaGraphDestroyNode(memset)))
    return true;
  done(cudaGraphDestroyNode(kernel));
  return false;
}

}  // namespace

int memsets_to_kernels(cudaGraph_t graph) {
  const auto all = nodes([&](auto... out) { return cudaGraphGetNodes(graph, out...); });
  if (!all) return 0;
  std::vector<cudaGraphNode_t> memsets;
  for (const cudaGraphNode_t node : *all) {
    const auto type = type_of(node);
    if (type == cudaGraphNodeTypeMemAlloc || type == cudaGraphNodeTypeMemFree)
      return 0;  // of it no node can go
    if (type == cudaGraphNodeTypeMemset) memsets.push_back(node);
  }
  int replaced = 0;
  for (const cudaGraphNode_t memset : memsets) replaced += to_kernel(graph, memset);
  return replaced;
}

}  // namespace ashlar::cuda
