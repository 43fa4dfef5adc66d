#include <ashlar/state/set_aside.hpp>

#include <ashlar/comm/solo.hpp>

#include "state/saved.hpp"
#include "support/catch.hpp"

using namespace ashlar;

TEST_CASE("an older run keeps its checkpoints under another name, and the name is free again") {
  const test::TemporaryDirectory parent;
  const auto dir = parent / "run";
  comm::Solo comm;
  CHECK(state::set_aside(dir, comm).empty());
  for (const int run : {1, 2}) {
    state::save(dir, run, test::snapshot(0, run), comm);
    const auto aside = state::set_aside(dir / "", comm);
    CHECK(aside == parent / ("run." + std::to_string(run)));
    CHECK_FALSE(std::filesystem::exists(dir));
    CHECK(state::latest(aside) == run);
  }
}

TEST_CASE("a directory without a checkpoint stays where it is") {
  const test::TemporaryDirectory parent;
  comm::Solo comm;
  std::filesystem::create_directory(parent / "notes");
  CHECK(state::set_aside(parent / "notes", comm).empty());
  CHECK(std::filesystem::exists(parent / "notes"));
}
