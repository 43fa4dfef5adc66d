// expect-error: [ashlar.wrap.2]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

using Gpt = models::Gpt<models::GptShape{.layers = 4, .heads = 4, .dim = 128}>;
#ifdef FIXED
using Block = Gpt::Block;
#else
using Block = models::GptBlock<models::gpt2>;  // a block, but of another model
#endif

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::Each<Block>>;
static_assert(explain_use<Strategy, Gpt, CommunicatorArchetype, optim::AdamW>());
