// The name of a CUDA stream, for headers that know CUDA by name only.
#pragma once

struct CUstream_st;

namespace ashlar::cuda {

using Stream = CUstream_st*;

}  // namespace ashlar::cuda
