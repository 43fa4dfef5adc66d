#include <ashlar/state/together.hpp>

#include "data/temporary.hpp"
#include "state/threads.hpp"
#include "support/catch.hpp"

using namespace ashlar;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("what fails on one rank fails on all, and the others name it") {
  const auto said = test::run_world(4, [](test::Threads& comm) {
    return test::sentence([&] {
      state::together(comm, "dance", [&] {
        if (comm.rank() % 2 == 1)
          throw Error("test.1", "two feet", std::to_string(comm.rank()), "borrow one");
      });
    });
  });
  CHECK(said[0] ==
        "[ashlar.state.2] expected every rank to dance, got a failure on rank 1, 3: see that rank's own "
        "message");
  CHECK(said[1] == "[ashlar.test.1] expected two feet, got 1: borrow one");
  CHECK(said[2] == said[0]);
  CHECK_THAT(said[3], ContainsSubstring("got 3"));
}

TEST_CASE("any exception counts, and none is no error") {
  const auto said = test::run_world(2, [](test::Threads& comm) {
    state::together(comm, "pass", [] {});
    try {
      state::together(comm, "dance", [&] {
        if (comm.rank() == 0) throw 7;
      });
    } catch (int) {
      return std::string("an int");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  });
  CHECK(said[0] == "an int");
  CHECK_THAT(said[1], ContainsSubstring("[ashlar.state.2]") && ContainsSubstring("rank 0"));
}

TEST_CASE("rank 0's value reaches all") {
  CHECK(test::run_world(3, [](test::Threads& comm) { return state::of_rank_0(comm, 10 + comm.rank()); }) ==
        std::vector<std::int64_t>{10, 10, 10});
}
