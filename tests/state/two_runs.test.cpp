// state.12: a directory that an older run has saved later steps into. The latest checkpoint is not the one
// that the run that saves now would go on from.
#include <filesystem>
#include <vector>

#include "state/saved.hpp"
#include "support/catch.hpp"

namespace ashlar {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("state.12: the latest checkpoint is the last run's, or the step is named") {
  const test::TemporaryDirectory dir;
  const auto save = [&](int step, double value) {
    REQUIRE(test::save(dir.path, step, value) == test::both_fine);
  };
  save(10, 1), save(20, 1);
  save(5, 2);  // a new run
  const auto said = test::load(dir.path, 2);
  CHECK_THAT(said[0], ContainsSubstring("[ashlar.state.12]") && ContainsSubstring("step-00000005") &&
                          ContainsSubstring("step-00000020"));
  CHECK_THAT(said[1], ContainsSubstring("[ashlar.state.2]"));
  CHECK(test::load(dir.path, 2, 2, 5) == test::both_fine);
  CHECK(test::load(dir.path, 1, 2, 20) == test::both_fine);

  save(15, 2);
  CHECK_THAT(test::load(dir.path, 2)[0], ContainsSubstring("[ashlar.state.12]"));
  save(20, 2);  // in the place of the older run's
  CHECK(test::load(dir.path, 2) == test::both_fine);
}

TEST_CASE("and what the older run left is taken away") {
  const test::TemporaryDirectory dir;
  REQUIRE(test::save(dir.path, 20, 1) == test::both_fine);
  REQUIRE(test::save(dir.path, 5, 2) == test::both_fine);
  std::filesystem::remove_all(dir / "step-00000020");
  CHECK(test::load(dir.path, 2) == test::both_fine);
}

}  // namespace ashlar
