// processes: 1 2
#include <ashlar/comm/recorded.hpp>

#include <ashlar/comm/mpi.hpp>
#include <ashlar/comm/solo.hpp>

#include "comm/laws.hpp"

namespace ashlar {

using comm::Call;
using comm::Collective;
using comm::Mpi;
using comm::Recorded;

TEST_CASE("Recorded<Mpi> keeps the laws of a communicator") {
  Recorded<Mpi> world;
  laws::all(world, at::kCPU);
  CHECK_FALSE(world.calls().empty());
}

TEST_CASE("every collective is written down, in order, with its bytes") {
  Recorded<Mpi> world;
  const std::int64_t size = world.size();
  at::Tensor whole = at::zeros({3 * size}), part = at::zeros({3});
  at::Tensor half = at::zeros({5}, at::kHalf), one = at::zeros({1}, at::kLong);
  world.broadcast(one, 0).wait();
  world.all_gather(whole, part).wait();
  world.barrier();
  world.reduce_scatter(part, whole).wait();
  world.all_reduce(half).wait();
  CHECK(world.calls() == std::vector<Call>{{Collective::broadcast, 8, 8},
                                           {Collective::all_gather, 12 * size, 4},
                                           {Collective::reduce_scatter, 12 * size, 4},
                                           {Collective::all_reduce, 10, 2}});
  CHECK(world.calls()[1].numel() == 3 * size);
  world.clear();
  CHECK(world.calls().empty());
}

TEST_CASE("Recorded can watch a communicator that somebody else owns") {
  comm::Solo solo;
  Recorded<comm::Solo&> world(solo);
  at::Tensor t = at::ones({2});
  world.all_reduce(t).wait();
  CHECK(world.calls().size() == 1);
  CHECK(&world.inner() == &solo);
}

}  // namespace ashlar
