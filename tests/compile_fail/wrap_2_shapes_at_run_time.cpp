// expect-error: [ashlar.wrap.2]
#include <memory>

#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Module {  // stands for a torch::nn::Module
  void named_parameters();
  void named_buffers();
};
using Net = std::shared_ptr<Module>;
#ifdef FIXED
using Wrap = wrap::WholeModel;
#else
using Wrap = wrap::BySize<1 << 20>;
#endif

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, Wrap>;
static_assert(explain_use<Strategy, Net, CommunicatorArchetype, optim::AdamW>());
