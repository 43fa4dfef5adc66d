// expect-error: [ashlar.communicator.6]
#include <ashlar/diagnostics/explain.hpp>
#include <ashlar/policies.hpp>

using namespace ashlar;

struct Mine : CommunicatorArchetype {
#ifdef FIXED
  static constexpr int dimensions = 1;
#else
  int dimensions = 1;
#endif
};

static_assert(explain_communicator<Mine, shard::Zero3>());
