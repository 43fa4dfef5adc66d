// The communicator concepts against a full model, and against models that lack exactly one thing.
#include <string_view>

#include <ashlar/comm/mpi.hpp>
#include <ashlar/comm/recorded.hpp>
#include <ashlar/comm/solo.hpp>
#include <ashlar/concepts/communicator.hpp>

namespace ashlar {
namespace {

struct Handle {
  void wait() {}
};

// Everything that can be asked for.
struct Full {
  static constexpr std::string_view name = "Full";
  using Work = Handle;
  int rank() { return 0; }
  int size() { return 1; }
  void barrier() {}
  Work all_gather(Tensor&, const Tensor&) { return {}; }
  Work reduce_scatter(Tensor&, Tensor&) { return {}; }
  Work all_reduce(Tensor&) { return {}; }
  Work broadcast(Tensor&, int) { return {}; }
};
static_assert(work<Handle>);
static_assert(communicator<Full>);
static_assert(has_all_gather<Full> && has_reduce_scatter<Full> && has_all_reduce<Full> &&
              has_broadcast<Full>);
static_assert(trainer_communicator<Full>);

// Work.
struct NoWait {};
struct NotMovable : Handle {
  NotMovable() = default;
  NotMovable(NotMovable&&) = delete;
};
struct NotEmptyable : Handle {
  explicit NotEmptyable(int) {}
};
static_assert(!work<NoWait>);
static_assert(!work<NotMovable>);
static_assert(!work<NotEmptyable>);

// A derived class hides one member of Full at a time.
struct NoName : Full {
 private:
  using Full::name;
};
struct NoWork : Full {
 private:
  using Work = Handle;
};
struct BadWork : Full {
  using Work = NoWait;
};
struct NoRank : Full {
  void rank() = delete;
};
struct LongRank : Full {
  long rank() { return 0; }
};
struct NoSize : Full {
  void size() = delete;
};
struct NoBarrier : Full {
  void barrier() = delete;
};
static_assert(!communicator<NoName>);
static_assert(!communicator<NoWork>);
static_assert(!communicator<BadWork>);
static_assert(!communicator<NoRank>);
static_assert(!communicator<LongRank>);
static_assert(!communicator<NoSize>);
static_assert(!communicator<NoBarrier>);

// One collective less: still a communicator, and only that capability is gone.
struct NoAllGather : Full {
  void all_gather() = delete;
};
struct NoReduceScatter : Full {
  void reduce_scatter() = delete;
};
struct NoAllReduce : Full {
  void all_reduce() = delete;
};
struct NoBroadcast : Full {
  void broadcast() = delete;
};
struct BlockingAllReduce : Full {
  void all_reduce(Tensor&) {}
};
struct ConstWhole : Full {  // takes more than the concept asks for
  Work all_gather(const Tensor&, const Tensor&) { return {}; }
};
static_assert(communicator<NoAllGather> && !has_all_gather<NoAllGather> && has_reduce_scatter<NoAllGather>);
static_assert(communicator<NoReduceScatter> && !has_reduce_scatter<NoReduceScatter> &&
              trainer_communicator<NoReduceScatter>);
static_assert(communicator<NoAllReduce> && !has_all_reduce<NoAllReduce> && has_all_gather<NoAllReduce>);
static_assert(communicator<NoBroadcast> && !has_broadcast<NoBroadcast> && has_all_reduce<NoBroadcast>);
static_assert(!has_all_reduce<BlockingAllReduce>);
static_assert(has_all_gather<ConstWhole>);
static_assert(!trainer_communicator<NoAllGather> && !trainer_communicator<NoAllReduce> &&
              !trainer_communicator<NoBroadcast>);

// Recorded has exactly what it records.
using comm::Recorded;
static_assert(trainer_communicator<Recorded<Full>> && has_reduce_scatter<Recorded<Full>>);
static_assert(communicator<Recorded<NoAllGather>> && !has_all_gather<Recorded<NoAllGather>>);
static_assert(!has_reduce_scatter<Recorded<NoReduceScatter>>);
static_assert(!has_all_reduce<Recorded<NoAllReduce>>);
static_assert(!has_broadcast<Recorded<NoBroadcast>>);
static_assert(trainer_communicator<Recorded<Full&>>);
static_assert(trainer_communicator<Recorded<Recorded<Full>>>);
static_assert(std::same_as<Recorded<Full>::Work, Handle>);
struct Mesh : Full {
  static constexpr int dimensions = 2;
};
static_assert(dimensions_of<Recorded<Mesh&>> == 2 && dimensions_of<Recorded<Full>> == 1);

static_assert(trainer_communicator<comm::Solo> && has_reduce_scatter<comm::Solo>);
static_assert(trainer_communicator<comm::Mpi> && has_reduce_scatter<comm::Mpi>);
static_assert(!std::copyable<comm::Mpi>);

}  // namespace
}  // namespace ashlar
