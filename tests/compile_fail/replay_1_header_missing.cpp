// expect-error: [ashlar.replay.1]
#ifdef FIXED
#include <ashlar/replay/graph.hpp>  // the sixth argument of Trainer, where it is left out
#endif
#include <ashlar/checkpoint/none.hpp>
#include <ashlar/offload/none.hpp>
#include <ashlar/precision/fp32.hpp>
#include <ashlar/shard/zero3.hpp>
#include <ashlar/trainer.hpp>
#include <ashlar/wrap/whole_model.hpp>

using namespace ashlar;

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(sizeof(Strategy) > 0);
