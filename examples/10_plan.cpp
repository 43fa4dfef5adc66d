// The plan is a constant: what each rank keeps and each step sends is known before anything runs, on a
// machine without a GPU, from the types alone.
//
//   run:  .build/release/examples/10_plan
//   see:  Llama 3 8B on 8 and on 64 ranks under each Shard policy; the plan of one of them in full
#include <cstdio>

#include <ashlar/models/llama.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

// [readme: plan]
using Llama = models::Llama<models::llama3_8b>;
template <class Shard>
using Strategy = Trainer<Shard, precision::Bf16Mixed, offload::None, wrap::Each<Llama::Block>>;

constexpr long gigabyte = 1'000'000'000;
static_assert(plan<Strategy<shard::Zero3>, Llama>(world{8}).kept() < 80 * gigabyte);
static_assert(plan<Strategy<shard::Zero1>, Llama>(world{64}).kept() < 80 * gigabyte);
static_assert(plan<Strategy<shard::Replicate>, Llama>(world{64}).kept() > 80 * gigabyte);
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
  const std::string text = describe(plan<Strategy<shard::Zero3>, Llama>(world{8}));
  std::printf("\n%s", text.c_str());
  return text.find("8030261248 parameters") != std::string::npos ? 0 : 1;
}
