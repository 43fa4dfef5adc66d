// expect-error: [ashlar.optim.1]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

#ifdef FIXED
using Optimizer = optim::AdamW;
#else
using Optimizer = optim::Cosine;  // a schedule: it goes into the recipe
#endif

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_use<Strategy, models::Gpt<models::gpt2>, CommunicatorArchetype, Optimizer>());
