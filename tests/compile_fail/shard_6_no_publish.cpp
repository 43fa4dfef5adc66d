// expect-error: [ashlar.shard.6]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine : shard::Zero3 {
  static constexpr auto parameters = placement::replicated;
  static constexpr auto reshard_after = pass::backward;
#ifdef FIXED
  static auto publish(Tensor& whole, const Tensor& part, has_all_gather auto& comm) {
    return comm.all_gather(whole, part);
  }
#endif
};

static_assert(explain<Mine, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::None>());
