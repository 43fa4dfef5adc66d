// Two hundred steps hold memory steady: the bytes of tensors and the number of C++ objects exactly, what the
// kernel counts to a few pages.
// processes: 2
#include <ATen/ATen.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include <malloc.h>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/report/memory.hpp>
#include <ashlar/report/tensor_memory.hpp>

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

struct Memory {
  long tensors = 0, resident = 0;  // bytes
  long count = 0;                  // of objects
};

Memory now() {
  ::malloc_trim(0);  // or a leak would first fill what the allocator keeps in reserve, unseen
  return {report::tensor_bytes(c10::kCPU), report::resident_bytes(), objects};
}

using Gpt =
    models::Gpt<models::GptShape{.vocabulary = 61, .context = 12, .layers = 3, .heads = 2, .dim = 32}>;

template <class Shard, class Checkpoint>
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
  report::tensor_bytes(c10::kCPU);  // counts from here on
  comm::Mpi comm;
  check_steady<shard::Zero3, checkpoint::Recompute>(comm);
  check_steady<shard::Replicate, checkpoint::None>(comm);
}

}  // namespace
}  // namespace ashlar
