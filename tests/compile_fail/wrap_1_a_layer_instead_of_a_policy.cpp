// expect-error: [ashlar.wrap.1]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/models/gpt.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

using Block = models::GptBlock<models::gpt2>;
#ifdef FIXED
using Wrap = wrap::Each<Block>;
#else
using Wrap = Block;
#endif

static_assert(explain<shard::Zero3, precision::Fp32, offload::None, Wrap, checkpoint::None>());
