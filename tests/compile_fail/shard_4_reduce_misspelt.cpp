// expect-error: [ashlar.shard.4]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine {
  static constexpr std::string_view name = "Mine";
  static constexpr auto parameters = placement::replicated;
  static constexpr auto gradients = placement::replicated;
  static constexpr auto optimizer = placement::replicated;
  static constexpr auto reshard_after = pass::backward;

#ifdef FIXED
  static auto reduce(Tensor&, Tensor& grad, has_all_reduce auto& comm) { return comm.all_reduce(grad); }
#else
  static auto reduce_gradients(Tensor&, Tensor& grad, has_all_reduce auto& comm) {
    return comm.all_reduce(grad);
  }
#endif
};

static_assert(explain<Mine, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::None>());
