#include <ashlar/comm/solo.hpp>

#include "comm/laws.hpp"

TEST_CASE("Solo keeps the laws of a communicator") {
  ashlar::comm::Solo world;
  CHECK(world.size() == 1);
  ashlar::laws::all(world, at::kCPU);
}
