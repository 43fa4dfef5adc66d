// processes: 1 2 4
// The same save and load, between processes.
#include <ashlar/comm/mpi.hpp>

#include "state/saved.hpp"
#include "support/catch.hpp"
#include "support/shared_directory.hpp"

using namespace ashlar;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("processes save and load together, and fail together") {
  comm::Mpi comm;
  const test::SharedDirectory shared(comm);
  const std::filesystem::path dir = shared;
  const auto from = test::snapshot(comm.rank(), 5);
  state::save(dir, 5, from, comm);

  auto into = test::snapshot(comm.rank(), -1);
  CHECK(state::load(dir, into, comm) == 5);
  CHECK(at::equal(into.tensors[0].tensor, from.tensors[0].tensor));

  const int broken = comm.size() - 1;
  if (comm.rank() == broken)
    std::filesystem::remove(dir / "step-00000005" / state::rank_file_name(broken, comm.size()));
  comm.barrier();
  const auto said = test::sentence([&] { state::load(dir, into, comm); });
  CHECK_THAT(said, comm.rank() == broken ? ContainsSubstring("[ashlar.state.7]")
                                         : ContainsSubstring("[ashlar.state.2]"));
}
