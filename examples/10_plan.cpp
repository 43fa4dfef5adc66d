// The plan is a constant: what each rank keeps, sends and computes is known before anything runs, on a
// machine without a GPU, from the types alone. So the compiler can choose the strategy.
//
//   run:  .build/release/examples/10_plan
//   see:  Llama 3 8B on 8 and on 64 ranks under each Shard policy; the plan of the chosen strategy in full
#include <cstdio>
#include <type_traits>

#include <ashlar/models/llama.hpp>
#include <ashlar/plan/choose.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

// [readme: plan]
using Llama = models::Llama<models::llama3_8b>;
template <class Shard, class Checkpoint = checkpoint::None>
using Strategy = Trainer<Shard, precision::Bf16Mixed, offload::None, wrap::Each<Llama::Block>, Checkpoint>;

using Ddp = Strategy<shard::Replicate>;
using Sharded = Strategy<shard::Zero3>;
using Recomputed = Strategy<shard::Zero3, checkpoint::Recompute>;

static_assert(!fits<Sharded, Llama>(80_GiB, world{8}, batch{6, 4096}));
static_assert(fits<Recomputed, Llama>(80_GiB, world{8}, batch{6, 4096}));

using Best =
    cheapest<Llama, h200, world{8}, batch{2, 4096}, Ddp, Recomputed, Sharded>;  // the fastest that fits
static_assert(std::is_same_v<Best, Sharded>);
// [readme: end]

template <class Shard>
void print() {
  constexpr long few = plan<Strategy<Shard>, Llama>(world{8}).kept();
  constexpr long many = plan<Strategy<Shard>, Llama>(world{64}).kept();
  constexpr long gathered = plan<Strategy<Shard>, Llama>(world{8}).sent(Collective::all_gather);
  std::printf("%-12s %7.1f GB a rank on 8, %6.1f GB on 64; %5.1f GB gathered a step\n", Shard::name.data(),
              double(few) / 1e9, double(many) / 1e9, double(gathered) / 1e9);
}

int main() {
  print<shard::Replicate>();
  print<shard::Zero1>();
  print<shard::Zero2>();
  print<shard::ShardGradOp>();
  print<shard::Zero3>();
  const std::string text = describe<Best, Llama>(world{8}, batch{2, 4096});
  std::printf("\n%s", text.c_str());
  return text.find("8030261248 parameters") != std::string::npos ? 0 : 1;
}
