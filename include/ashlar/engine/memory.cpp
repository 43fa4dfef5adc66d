#include <ashlar/engine/memory.hpp>

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <limits>
#include <string>

#ifdef ASHLAR_WITH_CUDA
#include <cuda_runtime_api.h>
#endif

#include <ashlar/any_x86.hpp>
#include <ashlar/error.hpp>
#include <ashlar/kernels/ops.hpp>
#include <ashlar/kernels/optim.hpp>

namespace ashlar {

namespace {

at::TensorOptions options(dtype type, c10::Device device) {
  return at::TensorOptions().dtype(scalar_type(type)).device(device);
}

c10::Stream stream_of(c10::Device device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device);
}

void set_bytes(const Tensor& flat, void* bytes) {
  flat.storage().unsafeGetStorageImpl()->set_data_ptr_noswap(c10::DataPtr(bytes, flat.device()));
}

// Thirty-two independent sums: wide enough for the vector units, and the same order on every machine. In
// double, so that the norm does not depend on how parameters are cut into flats and shards.
ASHLAR_FOR_ANY_X86 double sum_of_squares(const float* data, long numel) {
  constexpr long lanes = 32;
  double sums[lanes] = {};
  long i = 0;
  for (; i + lanes <= numel; i += lanes)
    for (long lane = 0; lane < lanes; ++lane) {
      const double x = static_cast<double>(data[i + lane]);
      sums[lane] += x * x;
    }
  for (; i < numel; ++i) sums[0] += static_cast<double>(data[i]) * static_cast<double>(data[i]);
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace

at::ScalarType scalar_type(dtype type) {
  return type == dtype::bf16 ? at::kBFloat16 : at::kFloat;
}

Tensor zeros(long numel, dtype type, c10::Device device) {
  return at::zeros({numel}, options(type, device));
}

Tensor empty(long numel, dtype type, c10::Device device) {
  return at::empty({numel}, options(type, device));
}

// LibTorch's allocator of pinned memory would round the size up to a power of two.
Tensor host_zeros(long numel, dtype type, [[maybe_unused]] c10::Device device) {
#ifdef ASHLAR_WITH_CUDA
  if (device.is_cuda() && numel > 0) {
    void* pages = nullptr;
    const auto size = static_cast<std::size_t>(numel * bytes(type));
    if (const auto code = cudaHostAlloc(&pages, size, cudaHostAllocDefault); code != cudaSuccess)
      throw Error("memory.1", std::to_string(size) + " bytes of pinned memory on the host for the optimizer",
                  cudaGetErrorString(code), "free memory there, or shard over more ranks");
    const Tensor made = at::from_blob(
        pages, {numel}, [](void* used) { cudaFreeHost(used); }, options(type, c10::kCPU));
    return made.zero_();
  }
#endif
  return zeros(numel, type, c10::kCPU);
}

Copy::Copy(const Tensor& to, const Tensor& from) {
  to.copy_(from, /*non_blocking=*/true);
  const c10::Device device = from.is_cpu() ? to.device() : from.device();
  if (device.is_cpu()) return;
  done_.emplace(device.type());
  done_->record(stream_of(device));
}

void Copy::wait() const {
  if (!done_) return;
  const c10::DeviceGuard guard(done_->device());  // a new thread's is number 0
  done_->synchronize();
}

void Copy::block() const {
  if (done_) done_->block(stream_of(done_->device()));
}

Copies::Copies(c10::Device device) {
  if (!device.is_cpu())
    stream_ = c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device, true);
}

void Copies::follow() const {
  if (!stream_) return;
  c10::Event before(stream_->device_type());
  before.record(stream_of(stream_->device()));
  before.block(*stream_);
}

Copy Copies::start(const Tensor& to, const Tensor& from) const {
  const c10::OptionalStreamGuard guard(stream_);
  return {to, from};
}

Tensor unbacked(long numel, dtype type, c10::Device device) {
  c10::Storage storage(c10::Storage::use_byte_size_t(), static_cast<size_t>(numel * bytes(type)),
                       c10::DataPtr(nullptr, device), nullptr, false);
  return at::empty({0}, options(type, device)).set_(storage, 0, {numel});
}

Tensor window(const Tensor& flat, long offset, c10::IntArrayRef shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return at::empty({0}, flat.options()).set_(flat.storage(), flat.storage_offset() + offset, shape, strides);
}

void lend(const Tensor& flat, const Tensor& slot, long offset) {
  set_bytes(flat, static_cast<char*>(slot.data_ptr()) + offset);
}

void take_back(const Tensor& flat) {
#ifndef NDEBUG
  if (flat.numel() > 0) flat.fill_(std::numeric_limits<double>::quiet_NaN());
#endif
  set_bytes(flat, nullptr);
}

void add_squares(const Tensor& sum, const Tensor& flat) {
  if constexpr (cuda::has_kernels)
    if (cuda::takes(flat)) return cuda::add_squares(sum, flat);
  if (flat.is_cpu() && flat.scalar_type() == at::kFloat)
    *sum.data_ptr<double>() += sum_of_squares(flat.const_data_ptr<float>(), flat.numel());
  else
    sum.add_(at::linalg_vector_norm(flat, 2, {}, false, at::kDouble).square());
}

}  // namespace ashlar
