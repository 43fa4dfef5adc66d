// libtorch: no
#include <ashlar/report/json_lines.hpp>

#include <limits>
#include <sstream>

#include <nlohmann/json.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

using namespace ashlar;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<nlohmann::json> lines(const std::filesystem::path& file) {
  std::vector<nlohmann::json> all;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) all.push_back(nlohmann::json::parse(line));
  return all;
}

std::vector<int> steps(const std::filesystem::path& file) {
  std::vector<int> all;
  for (const auto& line : lines(file)) all.push_back(line["step"]);
  return all;
}

void write_steps(report::JsonLines& out, int first, int last) {
  for (int step = first; step <= last; ++step) out.write({.step = step, .loss = 1. / step});
}

}  // namespace

TEST_CASE("each line is an object with what was measured, on disk at once") {
  const test::TemporaryDirectory dir;
  report::JsonLines out(dir / "a.jsonl");
  out.write({.step = 3,
             .loss = 0.1,
             .gradient_norm = std::numeric_limits<double>::quiet_NaN(),
             .learning_rate = 3e-4,
             .tokens_per_second = 51200,
             .bytes_in_use = 5'000'000'000});
  out.write({.step = 4, .validation_loss = 1.5});
  const auto all = lines(dir / "a.jsonl");
  REQUIRE(all.size() == 2);
  CHECK(all[0]["loss"] == 0.1);
  CHECK(all[0]["gradient_norm"].is_null());
  CHECK(all[0]["learning_rate"] == 3e-4);
  CHECK(all[0]["tokens_per_second"] == 51200);
  CHECK(all[0]["bytes_in_use"] == 5'000'000'000);
  CHECK(all[0]["time"] > 1.7e9);
  CHECK_FALSE(all[0].contains("validation_loss"));
  CHECK(all[1]["validation_loss"] == 1.5);
  CHECK_FALSE(all[1].contains("loss"));
  CHECK_THAT(test::read(dir / "a.jsonl"), ContainsSubstring("{\"step\":3,\"loss\":0.1,"));
}

TEST_CASE("only rank 0 writes") {
  const test::TemporaryDirectory dir;
  report::JsonLines out(dir / "a.jsonl", 1);
  out.write({.step = 1});
  CHECK_FALSE(std::filesystem::exists(dir / "a.jsonl"));
}

TEST_CASE("a resumed run goes on where it left off") {
  const test::TemporaryDirectory dir;
  const auto file = dir / "a.jsonl";
  {
    report::JsonLines out(file);
    write_steps(out, 1, 9);
  }
  test::write(file, test::read(file) + "{\"step\":10,\"lo");  // the kill came in the middle of a line
  {
    report::JsonLines out(file, 0, 6);
    write_steps(out, 6, 7);
  }
  CHECK(steps(file) == std::vector{1, 2, 3, 4, 5, 6, 7});
  CHECK_FALSE(std::filesystem::exists(dir / "a.jsonl.partial"));
  report::JsonLines(file, 0, 100);
  CHECK(steps(file).size() == 7);
  report::JsonLines(dir / "new.jsonl", 0, 5);  // nothing there to go on from
  CHECK(std::filesystem::exists(dir / "new.jsonl"));
  report::JsonLines{file};
  CHECK(steps(file).empty());
}

TEST_CASE("a file that cannot be written or is something else is an error") {
  const test::TemporaryDirectory dir;
  CHECK_THAT(test::sentence([&] { report::JsonLines(dir / "no/a.jsonl"); }),
             ContainsSubstring("[ashlar.report.1]") && ContainsSubstring("No such file"));
  report::JsonLines full("/dev/full");
  CHECK_THAT(test::sentence([&] { full.write({.step = 1}); }),
             ContainsSubstring("[ashlar.report.1]") && ContainsSubstring("No space left"));
  const auto novel = test::write(dir / "novel.txt", "It was\na dark\n");
  CHECK_THAT(test::sentence([&] { report::JsonLines(novel, 0, 5); }),
             ContainsSubstring("[ashlar.report.2]") && ContainsSubstring("line 1"));
  CHECK(test::read(novel) == "It was\na dark\n");
}
