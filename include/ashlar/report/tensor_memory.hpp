// Memory of tensors, as LibTorch's allocators are asked for it: what a plan predicts. Scratch space of the
// math libraries and of the communicator is not in it.
#pragma once

#include <cstdint>

#include <c10/core/Device.h>

namespace ashlar::report {

// Bytes. On a CPU they count from the first call of one of these functions on: an allocator that counts then
// takes its place before LibTorch's own. On a GPU they are those of LibTorch's caching allocator.
std::int64_t tensor_bytes(c10::Device device);
std::int64_t peak_tensor_bytes(c10::Device device);  // the most at once since reset_peak_tensor_bytes
void reset_peak_tensor_bytes(c10::Device device);

// Tensors that another allocator made on a GPU are that many bytes more, or fewer. They are thought to be
// there from the last reset on.
void count_tensor_bytes(c10::Device device, std::int64_t bytes);

}  // namespace ashlar::report
