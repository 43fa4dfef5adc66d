// expect-error: [ashlar.trainer.7]
#ifdef FIXED
#include <ashlar/checkpoint/none.hpp>  // the fifth argument of Trainer, where it is left out
#endif
#include <ashlar/offload/none.hpp>
#include <ashlar/precision/fp32.hpp>
#include <ashlar/replay/graph.hpp>
#include <ashlar/shard/zero3.hpp>
#include <ashlar/trainer.hpp>
#include <ashlar/wrap/whole_model.hpp>

using namespace ashlar;

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(sizeof(Strategy) > 0);
