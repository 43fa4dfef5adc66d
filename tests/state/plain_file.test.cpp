// A plain file that is called like a checkpoint is none, and is not lost.
#include "state/saved.hpp"
#include "support/catch.hpp"

using namespace ashlar;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a plain file that is called like a checkpoint is none") {
  const test::TemporaryDirectory dir;
  REQUIRE(test::save(dir.path, 10, 10) == test::both_fine);
  test::write(dir / "step-00000012", "notes");
  CHECK(state::steps(dir.path) == std::vector<std::int64_t>{10});
  CHECK(test::load(dir.path, 10) == test::both_fine);
  CHECK_THAT(test::load(dir.path, 12, 2, 12)[0],
             ContainsSubstring("[ashlar.state.3]") && ContainsSubstring("only those of step 10"));
}

TEST_CASE("a plain file that is called like a checkpoint is not written over") {
  const test::TemporaryDirectory dir;
  test::write(dir / "step-00000012", "notes");
  const auto said = test::save(dir.path, 12, 12);
  CHECK_THAT(said[0], ContainsSubstring("[ashlar.state.1]") && ContainsSubstring("no checkpoint"));
  CHECK_THAT(said[1], ContainsSubstring("[ashlar.state.2]") && ContainsSubstring("rank 0"));
  CHECK(test::read(dir / "step-00000012") == "notes");
}
