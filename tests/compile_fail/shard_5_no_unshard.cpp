// expect-error: [ashlar.shard.5]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine : shard::Zero2 {
  static constexpr auto parameters = placement::sharded;
#ifdef FIXED
  static auto unshard(Tensor& whole, const Tensor& shard, has_all_gather auto& comm) {
    return comm.all_gather(whole, shard);
  }
#endif
};

static_assert(explain<Mine, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::None>());
