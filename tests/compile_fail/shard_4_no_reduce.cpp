// expect-error: [ashlar.shard.4]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine : shard::Replicate {
#ifdef FIXED
  static auto reduce(Tensor&, Tensor& grad, has_all_reduce auto& comm) { return comm.all_reduce(grad); }
#else
  static void reduce(Tensor&, Tensor& grad, has_all_reduce auto& comm) { comm.all_reduce(grad).wait(); }
#endif
};

static_assert(explain<Mine, precision::Fp32, offload::None, wrap::WholeModel, checkpoint::None>());
