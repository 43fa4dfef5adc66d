// expect-error: [ashlar.plan.1]
#include <memory>
#include <string>
#include <vector>

#include <boost/hana/define_struct.hpp>

#include <ashlar/nn/linear.hpp>
#include <ashlar/plan/plan.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

#ifdef FIXED
struct Net {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
};
#else
struct Module {  // stands for a torch::nn::Module
  void named_parameters();
  void named_buffers();
};
using Net = std::shared_ptr<Module>;
#endif

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(plan<Strategy, Net>(world{8}).kept() <= 80L << 30);
