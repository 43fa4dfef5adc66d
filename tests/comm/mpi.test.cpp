// processes: 1 2 4
#include <ashlar/comm/mpi.hpp>

#include <cstdlib>
#include <utility>

#include "comm/laws.hpp"

namespace ashlar {

using comm::Mpi;

TEST_CASE("Mpi keeps the laws of a communicator") {
  Mpi world;
  laws::all(world, at::kCPU);
}

TEST_CASE("several Mpi can be in use at once, and move") {
  Mpi first, second;
  at::Tensor a = at::ones({10}), b = at::ones({100000});
  first.all_reduce(a).wait();
  second.all_reduce(b).wait();
  Mpi third = std::move(first);
  third.all_reduce(a).wait();
  second = Mpi();
  second.all_reduce(b).wait();
  const auto n = static_cast<double>(third.size());
  CHECK(a[0].item<double>() == n * n);
  CHECK(b[99999].item<double>() == n * n);
}

TEST_CASE("bfloat16 is added in float32 and rounded to nearest even") {
  Mpi world;
  if (world.size() != 2) return;
  // 256 + 1 lies halfway between 256 and 258 and goes to 256; 258 + 1 lies between 258 and 260 and goes to
  // 260.
  at::Tensor t = (world.rank() == 0 ? at::tensor({256.F, 258.F}) : at::tensor({1.F, 1.F})).to(at::kBFloat16);
  world.all_reduce(t).wait();
  CHECK(at::equal(t.to(at::kFloat), at::tensor({256.F, 260.F})));
}

TEST_CASE("integers wrap, as LibTorch's do") {
  Mpi world;
  at::Tensor bytes = at::full({3}, 200, at::kByte);
  world.all_reduce(bytes).wait();
  CHECK(bytes[0].item<int>() == 200 * world.size() % 256);
}

TEST_CASE("what is only moved may have any dtype; what is summed may not") {
  Mpi world;
  at::Tensor flags = at::zeros({world.size()}, at::kBool);
  at::Tensor mine = at::ones({1}, at::kBool);
  world.all_gather(flags, mine).wait();
  CHECK(flags.all().item<bool>());
  CHECK_THROWS_AS(world.all_reduce(flags).wait(), Error);
}

// 3 GiB elements, beyond what an int counts: 3 GiB a process, so only on request.
TEST_CASE("more elements than an int counts", "[.large]") {
  Mpi world;
  const std::int64_t n = (3L << 30) / world.size();
  at::Tensor whole = at::zeros({n * world.size()}, at::kByte);
  at::Tensor own = laws::piece(whole, world.rank(), world.size());
  own.fill_(world.rank() + 1);
  world.all_gather(whole, own).wait();
  for (int r = 0; r < world.size(); ++r) {
    const at::Tensor piece = laws::piece(whole, r, world.size());
    CHECK(piece.min().item<int>() == r + 1);
    CHECK(piece.max().item<int>() == r + 1);
  }
  world.reduce_scatter(own, whole).wait();
  CHECK(own.min().item<int>() == (world.rank() + 1) * world.size());
  CHECK(own.max().item<int>() == (world.rank() + 1) * world.size());
  whole.fill_(1);
  world.all_reduce(whole).wait();
  CHECK(whole.min().item<int>() == world.size());
  CHECK(whole.max().item<int>() == world.size());
  world.broadcast(whole, world.size() - 1).wait();
}

}  // namespace ashlar
