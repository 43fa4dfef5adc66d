// expect-error: [ashlar.communicator.1]
#include <boost/hana/define_struct.hpp>

#include <ashlar/comm/mpi.hpp>
#include <ashlar/nn/linear.hpp>
#include <ashlar/optim/adamw.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>

using namespace ashlar;

struct Net {
  using Layer = nn::Linear<8, 1>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Layer, layer));
};

#ifdef FIXED
using Comm = comm::Mpi;
#else
using Comm = int;  // as in make<Net>(ranks, ...)
#endif

using Strategy = Trainer<shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel>;
static_assert(explain_use<Strategy, Net, Comm, optim::AdamW>());
