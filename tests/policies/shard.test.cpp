// Every Shard policy keeps the laws of its concept, and the laws refuse one that is broken in one place.
// processes: 1 2
#include <ashlar/laws/shard.hpp>

#include <ashlar/comm/mpi.hpp>
#include <ashlar/comm/solo.hpp>
#include <ashlar/policies.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

namespace ashlar {
namespace {

using Catch::Matchers::ContainsSubstring;

void keep_the_laws(auto& comm) {
  CHECK(laws::shard<shard::Replicate>(comm));
  CHECK(laws::shard<shard::Zero1>(comm));
  CHECK(laws::shard<shard::Zero2>(comm));
  CHECK(laws::shard<shard::ShardGradOp>(comm));
  CHECK(laws::shard<shard::Zero3>(comm));
}

TEST_CASE("every Shard policy keeps the laws") {
  comm::Mpi comm;
  keep_the_laws(comm);
}

TEST_CASE("and in a world without MPI") {
  comm::Solo comm;
  keep_the_laws(comm);
}

// Each is a shipped policy with one verb replaced.
struct NeverGathers : shard::Zero3 {
  template <class Comm>
  static typename Comm::Work unshard(Tensor&, const Tensor&, Comm&) {
    return {};
  }
};
struct SwapsRanks : shard::Zero3 {  // gathers what the neighbour should have sent
  static auto unshard(Tensor& whole, const Tensor& shard, has_all_gather auto& comm) {
    comm.all_gather(whole, shard).wait();
    whole.copy_(whole.roll(shard.numel()));
    return decltype(comm.all_gather(whole, shard)){};
  }
};
struct Averages : shard::Zero2 {
  static auto reduce(Tensor& part, Tensor& grad, has_reduce_scatter auto& comm) {
    grad.div_(comm.size());
    return comm.reduce_scatter(part, grad);
  }
};
struct AveragesWhole : shard::Replicate {
  static auto reduce(Tensor&, Tensor& grad, has_all_reduce auto& comm) {
    grad.div_(comm.size());
    return comm.all_reduce(grad);
  }
};
struct BrokenOnRank1 : shard::Zero2 {
  static auto reduce(Tensor& part, Tensor& grad, has_reduce_scatter auto& comm) {
    auto work = comm.reduce_scatter(part, grad);
    work.wait();
    if (comm.rank() == 1) part[3] = -1;
    return work;
  }
};
struct ReducesInPlaceOnly : shard::Zero2 {  // leaves the sum in grad, where part may not be
  static auto reduce(Tensor& part, Tensor& grad, has_reduce_scatter auto& comm) {
    Tensor own = grad.narrow(0, comm.rank() * part.numel(), part.numel());
    return comm.reduce_scatter(own, grad);
  }
};
struct KeepsUpdates : shard::Zero1 {
  template <class Comm>
  static typename Comm::Work publish(Tensor&, const Tensor&, Comm&) {
    return {};
  }
};
struct SkipsSmall : shard::Zero2 {  // as if small tensors were not worth the call
  template <class Comm>
  static typename Comm::Work reduce(Tensor& part, Tensor& grad, Comm& comm) {
    if (part.numel() < 100) return {};
    return comm.reduce_scatter(part, grad);
  }
};

template <class Shard>
std::string refusal(comm::Mpi& comm) {
  return test::sentence([&] { laws::shard<Shard>(comm); });
}

TEST_CASE("the laws refuse a broken Shard policy, with the same sentence on every rank") {
  comm::Mpi comm;
  CHECK_THAT(refusal<NeverGathers>(comm), ContainsSubstring("[ashlar.law.1]") &&
                                              ContainsSubstring("99 at element 0 where 3 is due on rank 0"));
  if (comm.size() == 1) return;  // the other mistakes are none in a world of one
  CHECK_THAT(refusal<SwapsRanks>(comm), ContainsSubstring("[ashlar.law.1]"));
  // Element 0: 0 on rank 0, 3 on rank 1.
  CHECK_THAT(refusal<Averages>(comm), ContainsSubstring("[ashlar.law.2]") &&
                                          ContainsSubstring("1.5 at element 0 where 3 is due on rank 0"));
  CHECK_THAT(refusal<AveragesWhole>(comm), ContainsSubstring("[ashlar.law.2]"));
  CHECK_THAT(refusal<BrokenOnRank1>(comm),
             ContainsSubstring("[ashlar.law.2]") && ContainsSubstring("-1 at element 195 where"));
  CHECK_THAT(refusal<ReducesInPlaceOnly>(comm), ContainsSubstring("[ashlar.law.2]"));
  CHECK_THAT(refusal<KeepsUpdates>(comm),
             ContainsSubstring("[ashlar.law.3]") && ContainsSubstring("99 at element"));
  CHECK_THAT(refusal<SkipsSmall>(comm), ContainsSubstring("[ashlar.law.4]") && ContainsSubstring("in 'own'"));
}

TEST_CASE("one rank's complaint is every rank's error, and no complaint is none") {
  comm::Mpi comm;
  const laws::Law law{"law.0", "silence", "be quiet"};
  laws::uphold(comm, law, "");
  const int last = comm.size() - 1;
  CHECK(test::sentence([&] { laws::uphold(comm, law, comm.rank() == last ? "a word" : ""); }) ==
        "[ashlar.law.0] expected silence, got a word on rank " + std::to_string(last) + ": be quiet");
}

TEST_CASE("a difference is named by value, by type and by size") {
  const Tensor due = at::tensor({1.0F, 2.0F, 3.0F});
  CHECK(laws::difference(due.clone(), due).empty());
  CHECK(laws::difference(at::tensor({1.0F, 2.5F, 3.0F}), due) == "2.5 at element 1 where 2 is due");
  CHECK(laws::difference(at::tensor({1.0F, 2.5F, 3.0F}), due, 0.5).empty());
  CHECK(laws::difference(at::tensor({1.0F, 2.0F, std::nanf("")}), due) == "nan at element 2 where 3 is due");
  CHECK(laws::difference(due.to(at::kDouble), due) == "3 elements of Double where 3 of Float are due");
  CHECK(laws::difference(due.narrow(0, 0, 2), due) == "2 elements of Float where 3 of Float are due");
}

}  // namespace
}  // namespace ashlar
