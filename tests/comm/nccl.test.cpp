// gpus: 1 2
#include <ashlar/comm/nccl.hpp>

#include <string>
#include <utility>

#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <ashlar/comm/recorded.hpp>

#include "comm/laws.hpp"
#include "support/world.hpp"

namespace ashlar {
namespace {

using test::world;

at::TensorOptions here() {
  return at::TensorOptions(at::Device(at::kCUDA, static_cast<at::DeviceIndex>(world().device())));
}

}  // namespace

TEST_CASE("Nccl keeps the laws of a communicator") {
  laws::all(world(), here());
}

TEST_CASE("Nccl keeps the laws when it is recorded") {
  comm::Recorded<comm::Nccl&> recorded(world());
  laws::all(recorded, here());
}

TEST_CASE("a collective starts after the caller's stream, and the caller's stream after the collective") {
  const c10::cuda::CUDAStreamGuard side(c10::cuda::getStreamFromPool());
  for (int round = 0; round < 20; ++round) {
    at::Tensor x = at::zeros({1 << 22}, here());
    for (int i = 0; i < 50; ++i) x.add_(1);  // still running when the collective is called
    world().all_reduce(x).wait();
    x.add_(1);
    CHECK(x.min().item<float>() == 50.F * static_cast<float>(world().size()) + 1);
    CHECK(x.max().item<float>() == 50.F * static_cast<float>(world().size()) + 1);
  }
}

TEST_CASE("gathers and sums may be under way together, and be waited for in any order") {
  const int n = world().size();
  at::Tensor whole = at::zeros({(1 << 22) * n}, here()), sum = at::ones({(1 << 20) * n}, here());
  at::Tensor own = laws::piece(whole, world().rank(), n).fill_(world().rank() + 1);
  at::Tensor part = at::zeros({1 << 20}, here());
  for (int round = 0; round < 20; ++round) {
    sum.fill_(1);
    auto gather = world().all_gather(whole, own);
    auto scatter = world().reduce_scatter(part, sum);
    scatter.wait();
    gather.wait();
    CHECK(part.min().item<float>() == static_cast<float>(n));
    for (int r = 0; r < n; ++r) CHECK(laws::piece(whole, r, n).eq(r + 1).all().item<bool>());
  }
}

TEST_CASE("memory to gather into, and what is gathered into a part of it") {
  const int n = world().size();
  const long numel = (1 << 20) + 4;  // of a part
  const at::Tensor memory = world().gather_memory(8 * numel * n);
  CHECK(memory.numel() == 8 * numel * n);
  CHECK(memory.eq(0).all().item<bool>());
  at::Tensor halves = memory.view(at::kFloat).view({2, n * numel});
  for (int round = 0; round < 20; ++round)
    for (int half = 0; half < 2; ++half) {
      at::Tensor whole = halves[half];
      // A part of its own, and one that stands where it belongs.
      at::Tensor own = half == 0 ? at::zeros({numel}, here()) : laws::piece(whole, world().rank(), n);
      own.fill_(100 * round + 10 * half + world().rank());
      world().all_gather(whole, own).wait();
      for (int r = 0; r < n; ++r)
        CHECK(laws::piece(whole, r, n).eq(100 * round + 10 * half + r).all().item<bool>());
    }
  CHECK(world().gather_memory(0).numel() == 0);
}

TEST_CASE("CPU tensors are refused") {
  at::Tensor t = at::zeros({4});
  CHECK_THROWS_WITH(world().all_reduce(t).wait(),
                    Catch::Matchers::ContainsSubstring("use comm::Mpi for CPU tensors"));
}

TEST_CASE("several Nccl side by side, and moved") {
  comm::Nccl second;
  at::Tensor a = at::ones({10}, here()), b = at::ones({10}, here());
  world().all_reduce(a).wait();
  comm::Nccl moved = std::move(second);
  moved.all_reduce(b).wait();
  CHECK(at::equal(a, b));
  moved.barrier();
}

}  // namespace ashlar
