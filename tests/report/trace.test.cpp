// libtorch: no
#include <ashlar/report/trace.hpp>

#include <nlohmann/json.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

using namespace ashlar;
using Catch::Matchers::ContainsSubstring;
using report::Lane;

namespace {

// 10 ms: a gather before anything computes, one that is hidden, one of which a third is, and sums beside it.
std::vector<report::Slice> step() {
  return {{Lane::gathers, "a unshard", 0, 1000, 64},     {Lane::compute, "a forward", 1000, 4000, 0},
          {Lane::gathers, "b unshard", 1500, 2500, 128}, {Lane::gathers, "c unshard", 3000, 6000, 256},
          {Lane::sums, "a reduce", 5000, 7000, 512},     {Lane::compute, "b backward", 7000, 9000, 0},
          {Lane::optimizer, "a update", 8500, 9500, 0},  {Lane::sums, "root loss and norm", 9900, 10000, 32}};
}

}  // namespace

TEST_CASE("a summary counts time once, and what is in flight while the rank computes as hidden") {
  const report::Summary seen = report::summarize(step());
  CHECK(seen.step == Catch::Approx(10));
  CHECK(seen.compute == Catch::Approx(3 + 2.5));
  CHECK(seen.communication == Catch::Approx(1 + 1 + 4 + 0.1));
  CHECK(seen.hidden == Catch::Approx(1 + 1));
  CHECK(seen.hidden_fraction() == Catch::Approx(2 / 6.1));
  CHECK(report::describe(seen) ==
        "step 10.0 ms: 5.5 ms of compute, 6.1 ms of communication, of which 32.8 % hidden");
  CHECK(report::summarize({{Lane::compute, "a forward", 0, 5, 0}}).hidden_fraction() == 1);
  CHECK(report::summarize({}).step == 0);
}

TEST_CASE("a timeline is what its text says") {
  const report::Timeline made = report::timeline_of(report::to_text({step(), 10000}));
  CHECK(made.met == 10000);
  REQUIRE(made.slices.size() == step().size());
  for (std::size_t i = 0; i < made.slices.size(); ++i) {
    const report::Slice due = step()[i], &got = made.slices[i];
    CHECK(got.lane == due.lane);
    CHECK(got.name == due.name);
    CHECK(got.begin == due.begin);
    CHECK(got.end == due.end);
    CHECK(got.bytes == due.bytes);
  }
}

TEST_CASE("a trace has a process a rank and a thread a lane, and all ranks meet at the same time") {
  const test::TemporaryDirectory dir;
  report::TraceFile file(dir / "step.json");
  file.write({{{{Lane::compute, "a forward", 0, 7, 0}, {Lane::sums, "a reduce", 7, 10, 4}}, 10},
              {{{Lane::compute, "a forward", 0, 2, 0}, {Lane::sums, "a reduce", 2, 4, 4}}, 4}},
             {.step = 1, .compute = 2, .communication = 4, .hidden = 1});
  const auto json = nlohmann::json::parse(test::read(dir / "step.json"));
  CHECK(json["otherData"]["hidden"] == 0.25);
  std::vector<std::string> slices, names;
  for (const auto& event : json["traceEvents"])
    if (event["ph"] == "X")
      slices.push_back(std::to_string(event["pid"].get<int>()) + " " +
                       std::to_string(event["tid"].get<int>()) + " " + event["name"].get<std::string>() +
                       " at " + std::to_string(event["ts"].get<int>()) + " for " +
                       std::to_string(event["dur"].get<int>()));
    else if (event["name"] != "thread_sort_index")
      names.push_back(event["args"]["name"]);
  CHECK(slices == std::vector<std::string>{"0 0 a forward at 0 for 7", "0 2 a reduce at 7 for 3",
                                           "1 0 a forward at 6 for 2", "1 2 a reduce at 8 for 2"});
  CHECK(names == std::vector<std::string>{"rank 0", "compute", "all-gather", "reduce-scatter, all-reduce",
                                          "optimizer", "rank 1", "compute", "all-gather",
                                          "reduce-scatter, all-reduce", "optimizer"});
}

TEST_CASE("report.3: a trace that cannot be written says so before the step, on the rank that writes") {
  CHECK_THAT(test::sentence([] { report::TraceFile("/nowhere/step.json"); }),
             ContainsSubstring("[ashlar.report.3]") && ContainsSubstring("/nowhere/step.json"));
  report::TraceFile("/nowhere/step.json", 1).write({}, {});
}
