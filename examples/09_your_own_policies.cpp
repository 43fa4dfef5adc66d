// Your own policies, one on each axis: structs with a name and what their axis asks for. Nothing is
// registered, nothing is derived from unless you want to.
//
//   run:  mpirun -np 2 .build/release/examples/09_your_own_policies
//   see:  the plan of a strategy of five policies that Ashlar does not know, which trains as Ashlar's own do
// processes: 1 2
#include <cstdio>

#include <ashlar/ashlar.hpp>
#include <ashlar/comm/guard.hpp>
#include <ashlar/comm/mpi.hpp>
#include <ashlar/laws/checkpoint.hpp>
#include <ashlar/laws/precision.hpp>
#include <ashlar/laws/shard.hpp>
#include <ashlar/laws/wrap.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

// Shard: any other, and the bytes that its all-gathers have made whole.
template <class Shard>
  requires shard_policy<Shard> && shards_parameters<Shard>
struct Counted : Shard {
  static constexpr std::string_view name = "Counted";
  static inline long gathered = 0;

  static auto unshard(Tensor& whole, const Tensor& shard, has_all_gather auto& comm) {
    gathered += static_cast<long>(whole.nbytes());
    return Shard::unshard(whole, shard, comm);
  }
};
static_assert(shard_policy<Counted<shard::Zero3>>);

// Precision: bfloat16 where this build has GPUs for it, float32 where it would be slow.
struct Native {
  static constexpr std::string_view name = "Native";
#ifdef ASHLAR_WITH_CUDA
  static constexpr auto compute = dtype::bf16;
#else
  static constexpr auto compute = dtype::f32;
#endif
  static constexpr auto reduce = dtype::f32;
  static constexpr auto master = dtype::f32;
};
static_assert(precision_policy<Native> && laws::precision<Native>());

// Offload: where optimizer state rests is all that this axis asks.
struct OnDevice {
  static constexpr std::string_view name = "OnDevice";
  static constexpr auto optimizer = memory::device;
};
static_assert(offload_policy<OnDevice>);

// [readme: policy]
// Wrap: every repeated layer is a unit, whatever its type is called.
struct Repeated {
  static constexpr std::string_view name = "Repeated";

  // Whether a module of type T below Model is a unit: if it is an element of a list of layers.
  template <class Model, class T>
  static consteval bool starts_unit() {
    return repeats<Model, T>();
  }

  // Whether the policy can be honoured: without a list it would make no unit, silently.
  template <class Model>
  static consteval bool applies() {
    return any_type<Model>([]<class T>() { return layer_list<T>; });
  }
};
static_assert(wrap_policy<Repeated>);
// [readme: end]

// Checkpoint: of feed-forward layers, which hold the largest activations, the input alone.
template <class T>
inline constexpr bool feed_forward = false;
template <long dim, long hidden>
inline constexpr bool feed_forward<nn::Mlp<dim, hidden>> = true;

struct RecomputeFeedForward {
  static constexpr std::string_view name = "RecomputeFeedForward";

  template <class Model, class T>
  static consteval bool recomputes() {
    return feed_forward<T>;
  }

  template <class Model>
  static consteval bool applies() {
    return any_type<Model>([]<class T>() { return feed_forward<T>; });
  }
};
static_assert(checkpoint_policy<RecomputeFeedForward>);

using Gpt = models::Gpt<models::GptShape{.vocabulary = 16, .context = 8, .layers = 3, .heads = 2, .dim = 16}>;
static_assert(laws::wrap<Repeated, Gpt>());  // what a concept cannot say

using Own = Trainer<Counted<shard::Zero3>, Native, OnDevice, Repeated, RecomputeFeedForward>;
using Known = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Gpt::Block>>;
static_assert(plan<Own, Gpt>(world{2}).units.size() == 1 + 3);

constexpr int steps = 10;

template <class Strategy>
double train(comm::Mpi& world) {
  auto trainer = Strategy::template make<Gpt>(world, optim::AdamW{.learning_rate = 1e-2}, {.seed = 1});
  if (world.rank() == 0) std::printf("%s", describe(trainer.plan()).c_str());
  const Tensor ids = (at::arange(4 * 9, at::kLong).view({4, 9}) + world.rank()).remainder(16);
  double loss = 0;
  for (int i = 0; i < steps; ++i) loss = trainer.step(ids.narrow(1, 0, 8), ids.narrow(1, 1, 8)).loss;
  return loss;
}

int main() {
  return comm::guarded([] {
    comm::Mpi world;
    laws::shard<Counted<shard::Zero3>>(world);
    const Tensor ids = at::arange(4 * 8, at::kLong).view({4, 8}).remainder(16);
    laws::checkpoint<RecomputeFeedForward>(world, Gpt(), ids, ids);

    Counted<shard::Zero3>::gathered = 0;
    const double own = train<Own>(world), known = train<Known>(world);
    const long gathered = Counted<shard::Zero3>::gathered;
    const long planned = steps * plan<Own, Gpt>(ashlar::world{world.size()}).sent(Collective::all_gather);
    if (world.rank() == 0)
      std::printf("losses %.17g and %.17g; %ld bytes gathered, %ld planned\n", own, known, gathered, planned);
    return gathered == planned && (own == known || Native::compute != dtype::f32) ? 0 : 1;
  });
}
