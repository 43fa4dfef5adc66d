#include <ashlar/report/tensor_memory.hpp>

#include <array>
#include <atomic>
#include <cstring>

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/alignment.h>
#include <c10/core/impl/alloc_cpu.h>

namespace ashlar::report {

namespace {

std::atomic<std::int64_t> live = 0, peak = 0;

// LibTorch's allocator for the CPU, with the size of each block noted in front of it.
class Counting final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, c10::Device(c10::kCPU)};
    char* const block = static_cast<char*>(c10::alloc_cpu(ahead + bytes));
    std::memcpy(block, &bytes, sizeof bytes);
    const std::int64_t now = live += static_cast<std::int64_t>(bytes);
    for (std::int64_t most = peak; now > most && !peak.compare_exchange_weak(most, now);) {
    }
    return {block + ahead, block + ahead, &Counting::free, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Counting::free; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

 private:
  static constexpr size_t ahead = c10::gAlignment;

  static void free(void* data) {
    char* const block = static_cast<char*>(data) - ahead;
    size_t bytes;
    std::memcpy(&bytes, block, sizeof bytes);
    live -= static_cast<std::int64_t>(bytes);
    c10::free_cpu(block);
  }
};

void count_from_now_on() {
  static Counting counting;
  [[maybe_unused]] static const bool once = (c10::SetCPUAllocator(&counting, /*priority=*/1), true);
}

std::array<std::atomic<std::int64_t>, 64> elsewhere{};  // of each GPU

// All zero before the device's first tensor.
c10::CachingDeviceAllocator::Stat of_gpu(c10::Device device) {
  c10::DeviceAllocator& allocator = *c10::getDeviceAllocator(device.type());
  if (!allocator.initialized()) return {};
  return allocator.getDeviceStats(device.index()).allocated_bytes[0];
}

std::size_t index_of(c10::Device device) {
  return static_cast<std::size_t>(device.index());
}

}  // namespace

std::int64_t tensor_bytes(c10::Device device) {
  if (!device.is_cpu()) return of_gpu(device).current + elsewhere.at(index_of(device));
  count_from_now_on();
  return live;
}

std::int64_t peak_tensor_bytes(c10::Device device) {
  if (!device.is_cpu()) return of_gpu(device).peak + elsewhere.at(index_of(device));
  count_from_now_on();
  return peak;
}

void reset_peak_tensor_bytes(c10::Device device) {
  if (!device.is_cpu()) {
    c10::DeviceAllocator& allocator = *c10::getDeviceAllocator(device.type());
    if (allocator.initialized()) allocator.resetPeakStats(device.index());
    return;
  }
  count_from_now_on();
  peak = live.load();
}

void count_tensor_bytes(c10::Device device, std::int64_t bytes) {
  elsewhere.at(index_of(device)) += bytes;
}

}  // namespace ashlar::report
