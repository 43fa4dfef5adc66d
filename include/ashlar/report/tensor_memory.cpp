#include <ashlar/report/tensor_memory.hpp>

#include <atomic>

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>

namespace ashlar::report {

namespace {

// Stands before another allocator and counts what is asked of it.
class Counting final : public c10::Allocator {
 public:
  explicit Counting(c10::Allocator& base) : base_(base) {}

  c10::DataPtr allocate(size_t bytes) override {
    auto* block = new Block{base_.allocate(bytes), static_cast<std::int64_t>(bytes), *this};
    const std::int64_t live = live_ += block->bytes;
    for (std::int64_t peak = peak_; live > peak && !peak_.compare_exchange_weak(peak, live);) {
    }
    void* const data = block->data.get();
    return {data, block, &Counting::free, block->data.device()};
  }
  void copy_data(void* to, const void* from, size_t bytes) const override { base_.copy_data(to, from, bytes); }

  std::int64_t live() const { return live_; }
  std::int64_t peak() const { return peak_; }
  void reset() { peak_ = live_.load(); }

 private:
  struct Block {
    c10::DataPtr data;
    std::int64_t bytes;
    Counting& counting;
  };

  static void free(void* context) {
    auto* block = static_cast<Block*>(context);
    block->counting.live_ -= block->bytes;
    delete block;
  }

  c10::Allocator& base_;
  std::atomic<std::int64_t> live_ = 0, peak_ = 0;
};

// Never destroyed: tensors may outlive every static object.
Counting& counting() {
  static Counting& only = [] () -> Counting& {
    auto* counting = new Counting(*c10::GetCPUAllocator());
    c10::SetCPUAllocator(counting, /*priority=*/1);
    return *counting;
  }();
  return only;
}

c10::CachingDeviceAllocator::Stat of_gpu(c10::Device device) {
  return c10::getDeviceAllocator(device.type())->getDeviceStats(device.index()).allocated_bytes[0];
}

}  // namespace

std::int64_t tensor_bytes(c10::Device device) {
  return device.is_cpu() ? counting().live() : of_gpu(device).current;
}

std::int64_t peak_tensor_bytes(c10::Device device) {
  return device.is_cpu() ? counting().peak() : of_gpu(device).peak;
}

void reset_peak_tensor_bytes(c10::Device device) {
  if (device.is_cpu())
    counting().reset();
  else
    c10::getDeviceAllocator(device.type())->resetPeakStats(device.index());
}

}  // namespace ashlar::report
