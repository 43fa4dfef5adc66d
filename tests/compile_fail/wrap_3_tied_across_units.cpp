// expect-error: [ashlar.wrap.3]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

using Gpt = models::Gpt<models::gpt2>;  // its head is tied to its token embedding
#ifdef FIXED
using Wrap = wrap::Each<Gpt::Block>;
#else
using Wrap = wrap::Each<Gpt::Block, Gpt::Tokens>;
#endif

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, Wrap>;
static_assert(explain_use<Strategy, Gpt, CommunicatorArchetype, optim::AdamW>());
