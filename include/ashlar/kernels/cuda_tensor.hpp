// What a kernel is told of a tensor.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/cuda/CUDAStream.h>

#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/kernels/stream.hpp>

namespace ashlar::cuda {

inline dtype type_of(const at::Tensor& x) {
  return x.scalar_type() == at::kBFloat16 ? dtype::bf16 : dtype::f32;
}

inline Stream stream_of(const at::Tensor& x) {
  return c10::cuda::getCurrentCUDAStream(x.device().index());
}

// Null where there is no tensor.
inline const void* data_of(const at::Tensor& x) {
  return x.defined() ? x.const_data_ptr() : nullptr;
}

}  // namespace ashlar::cuda
