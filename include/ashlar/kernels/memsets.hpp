// Memsets of a captured graph.
#pragma once

struct CUgraph_st;

namespace ashlar::cuda {

// Replaces the small memsets of one row of a graph, not those of its child graphs, by kernels, which do the
// same in the same place, and returns how many there were. What cannot be replaced stays: the graph does the
// same in any case. Between two kernels a memset keeps an H200 waiting for 7 to 11 us, and a kernel for 2;
// cuDNN's attention has one before each of its forwards and backwards.
int memsets_to_kernels(CUgraph_st* graph);

}  // namespace ashlar::cuda
