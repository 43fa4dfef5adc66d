// Two hundred steps hold memory steady: the bytes of tensors and the number of C++ objects exactly, what the
// kernel counts to a few pages.
// processes: 1 2
#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include <malloc.h>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/report/memory.hpp>

#include "support/catch.hpp"

namespace {
std::atomic<long> objects = 0;  // from operator new, LibTorch's included
}

void* operator new(std::size_t bytes) {
  ++objects;
  if (void* object = std::malloc(bytes)) return object;
  throw std::bad_alloc();
}
void operator delete(void* object) noexcept {
  if (object != nullptr) --objects;
  std::free(object);
}
void operator delete(void* object, std::size_t) noexcept {
  operator delete(object);
}

namespace ashlar {
namespace {

// Counts the bytes of the tensors that are alive, in place of LibTorch's own allocator.
class Counting final : public c10::Allocator {
 public:
  Counting() : before_(c10::GetCPUAllocator()) { c10::SetCPUAllocator(this, /*priority=*/100); }
  ~Counting() override { c10::SetCPUAllocator(before_, 100); }

  c10::DataPtr allocate(size_t bytes) override {
    char* data = static_cast<char*>(c10::alloc_cpu(bytes + head)) + head;
    std::memcpy(data - head, &bytes, sizeof bytes);
    live += static_cast<long>(bytes);
    return {data, data, &release, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  static inline long live = 0;

 private:
  static constexpr size_t head = 64;  // bytes in front of each block, for its size; LibTorch's alignment

  static void release(void* data) {
    char* begin = static_cast<char*>(data) - head;
    size_t bytes = 0;
    std::memcpy(&bytes, begin, sizeof bytes);
    live -= static_cast<long>(bytes);
    c10::free_cpu(begin);
  }

  c10::Allocator* before_;
};

struct Memory {
  long tensors = 0, resident = 0;  // bytes
  long count = 0;                  // of objects
};

Memory now() {
  ::malloc_trim(0);  // or a leak would first fill what the allocator keeps in reserve, unseen
  return {Counting::live, report::resident_bytes(), objects};
}

using Gpt =
    models::Gpt<models::GptShape{.vocabulary = 61, .context = 12, .layers = 3, .heads = 2, .dim = 32}>;

template <class Shard, class Checkpoint = checkpoint::None>
void check_steady(comm::Mpi& comm) {
  INFO(std::string(Shard::name) << ", " << std::string(Checkpoint::name));
  using Strategy =
      Trainer<Shard, precision::Bf16Mixed, offload::None, wrap::Each<typename Gpt::Block>, Checkpoint>;
  auto trainer = Strategy::template make<Gpt>(comm, optim::AdamW{}, {.clip_norm = 1, .micro_batches = 2});
  const Tensor ids = at::arange(48, at::kLong).remainder_(61).view({4, 12});
  Memory at_50, at_200;
  for (int step = 1; step <= 200; ++step) {
    trainer.step(ids, ids);
    if (step % 10 == 0) trainer.evaluate(ids, ids);
    if (step == 50) at_50 = now();
  }
  at_200 = now();
  CHECK(at_50.tensors > trainer.plan().parameters);  // the counter counts
  CHECK(at_200.tensors == at_50.tensors);
  CHECK(at_200.count == at_50.count);
  // An allocator's own unrest; 150 steps that leak 1 KiB each would be 150.
  CHECK(at_200.resident - at_50.resident <= 100 * 1024);
}

TEST_CASE("memory is steady over two hundred steps") {
  Counting counting;
  comm::Mpi comm;
  check_steady<shard::Zero3>(comm);
  check_steady<shard::Zero3, checkpoint::Recompute>(comm);
  check_steady<shard::Replicate>(comm);
}

}  // namespace
}  // namespace ashlar
