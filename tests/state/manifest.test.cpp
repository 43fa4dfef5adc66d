// libtorch: no
#include <ashlar/state/manifest.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

using namespace ashlar;
using Catch::Matchers::ContainsSubstring;

namespace {
const state::Manifest manifest{
    500, 2, {{11, "a"}, {12, "b"}}, "Zero3, \"Fp32\"", "Gpt", "{\"position\": 7}\n"};
}

TEST_CASE("a manifest comes back as it was") {
  const auto again = state::decode_manifest(state::encode(manifest), "m");
  CHECK(again.step == 500);
  CHECK(again.world == 2);
  CHECK(again.files == manifest.files);
  CHECK(again.strategy == manifest.strategy);
  CHECK(again.model == manifest.model);
  CHECK(again.meta == manifest.meta);
}

TEST_CASE("any change of its bytes is seen, or changes nothing") {
  const auto text = state::encode(manifest);
  for (std::size_t i = 0; i < text.size(); ++i)
    for (const int flip : {1, 4, 32, 128}) {
      std::string damaged = text;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      const auto said = test::sentence([&] {
        if (state::encode(state::decode_manifest(damaged, "m")) != text)
          throw std::logic_error("read wrongly");
      });
      CAPTURE(damaged);
      REQUIRE((said == "no error" || said.starts_with("[ashlar.state.4]")));
    }
  for (std::size_t size = 0; size + 2 < text.size(); ++size)
    REQUIRE_THAT(test::sentence([&] { state::decode_manifest(text.substr(0, size), "m"); }),
                 ContainsSubstring("[ashlar.state.4]"));
}

TEST_CASE("a newer version is named") {
  auto text = state::encode(manifest);
  text.replace(text.find("\"version\": 3"), 12, "\"version\": 4");
  CHECK_THAT(test::sentence([&] { state::decode_manifest(text, "m"); }),
             ContainsSubstring("[ashlar.state.4] expected manifest version 3 in 'm', got 4"));
}

TEST_CASE("names sort by step, and only whole names are checkpoints") {
  CHECK(state::step_name(500) == "step-00000500");
  CHECK(state::step_name(1234567890) == "step-1234567890");
  CHECK(state::rank_file_name(3, 16) == "rank-00003-of-00016.safetensors");

  const test::TemporaryDirectory dir;
  CHECK(state::latest(dir / "none") == std::nullopt);
  CHECK(state::latest(dir.path) == std::nullopt);
  for (const char* name : {"step-00000500", "step-00000020", "step-1234567890", ".step-00000600.partial",
                           "step-700", "step-0000050x", "step-", "step--0000001", "other"})
    std::filesystem::create_directory(dir / name);
  CHECK(state::steps(dir.path) == std::vector<std::int64_t>{20, 500, 1234567890});
  CHECK(state::latest(dir.path) == 1234567890);
  CHECK_THAT(
      test::sentence([&] { state::read_manifest(dir.path, 30); }),
      ContainsSubstring("[ashlar.state.3]") && ContainsSubstring("only those of step 20, 500, 1234567890"));
  CHECK_THAT(test::sentence([&] { state::read_manifest(dir.path, 20); }),
             ContainsSubstring("[ashlar.state.4]"));
}
