// expect-error: [ashlar.shard.8]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine {
  static constexpr std::string_view name = "Mine";
#ifdef FIXED
  static constexpr auto parameters = placement::sharded;
#else
  static constexpr auto params = placement::sharded;
#endif
  static constexpr auto gradients = placement::sharded;
  static constexpr auto optimizer = placement::sharded;
  static constexpr auto reshard_after = pass::forward;

  static auto unshard(Tensor& whole, const Tensor& shard, has_all_gather auto& comm) {
    return comm.all_gather(whole, shard);
  }
  static auto reduce(Tensor& part, Tensor& grad, has_reduce_scatter auto& comm) {
    return comm.reduce_scatter(part, grad);
  }
};

static_assert(explain<Mine, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::None>());
