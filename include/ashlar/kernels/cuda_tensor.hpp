// What a kernel is told of a tensor.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <c10/cuda/CUDAStream.h>

#include <string>
#include <string_view>

#include <ashlar/concepts/precision_policy.hpp>
#include <ashlar/error.hpp>
#include <ashlar/kernels/stream.hpp>

namespace ashlar::cuda {

inline dtype type_of(const at::Tensor& x) {
  return x.scalar_type() == at::kBFloat16 ? dtype::bf16 : dtype::f32;
}

inline Stream stream_of(const at::Tensor& x) {
  return c10::cuda::getCurrentCUDAStream(x.device().index());
}

// Throws ops.1 in a backward that is to be differentiated: autograd does not see what a kernel does.
inline void require_last_backward(std::string_view operation) {
  if (at::GradMode::is_enabled())
    throw Error("ops.1", "one derivative of " + std::string(operation) + " on a GPU",
                "a gradient that is to be differentiated again (create_graph)",
                "write LibTorch's own operators where a second derivative goes through");
}

// Null where there is no tensor.
inline const void* data_of(const at::Tensor& x) {
  return x.defined() ? x.const_data_ptr() : nullptr;
}

}  // namespace ashlar::cuda
