#include <ashlar/state/save.hpp>

#include <csignal>
#include <cstring>

#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "state/saved.hpp"
#include "support/catch.hpp"

using namespace ashlar;
using Catch::Matchers::ContainsSubstring;
using Names = std::set<std::string>;

TEST_CASE("a checkpoint is a directory of one file a rank and a manifest") {
  const test::TemporaryDirectory dir;
  REQUIRE(test::save(dir / "runs/a", 500, 3) == test::both_fine);  // makes the directories above
  CHECK(test::names_in(dir / "runs/a") == Names{"step-00000500"});
  CHECK(test::names_in(dir / "runs/a/step-00000500") ==
        Names{"manifest.json", "rank-00000-of-00002.safetensors", "rank-00001-of-00002.safetensors"});
  const auto manifest = state::read_manifest(dir / "runs/a", 500);
  CHECK(manifest.world == 2);
  CHECK(manifest.strategy == "Zero3, Fp32");
  CHECK(manifest.meta == "{\"value\": 3}");
  CHECK(test::load(dir / "runs/a", 3) == test::both_fine);
}

TEST_CASE("the files are safetensors, byte for byte") {
  const test::TemporaryDirectory dir;
  test::run_world(1, [&](test::Threads& comm) {
    const state::Snapshot tiny{
        {{"b", at::arange(1, 3, at::kFloat)}, {"a", at::full({}, 5, at::kByte)}}, "", "", ""};
    state::save(dir.path, 1, tiny, comm);
    return 0;
  });
  // The checksums are those that Python xxhash computes for the same bytes.
  const std::string json =
      R"({"__metadata__":{"xxh64:a":"50ff15a81340970f","xxh64:b":"c86e535c30403d76"},)"
      R"("b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[],"data_offsets":[8,9]}})";
  const auto bytes = test::read(dir / "step-00000001/rank-00000-of-00001.safetensors");
  std::uint64_t length = 0;
  REQUIRE(bytes.size() > 8);
  std::memcpy(&length, bytes.data(), 8);
  REQUIRE(length % 8 == 0);
  REQUIRE(bytes.size() == 8 + length + 9);
  CHECK(bytes.substr(8, json.size()) == json);
  CHECK(bytes.substr(8 + length) == test::bytes_of(std::vector<float>{1, 2}) + "\5");
}

TEST_CASE("older checkpoints beyond `keep` go, later ones stay") {
  const test::TemporaryDirectory dir;
  for (const int step : {10, 20, 30, 40}) REQUIRE(test::save(dir.path, step, step) == test::both_fine);
  CHECK(state::steps(dir.path) == std::vector<std::int64_t>{30, 40});
  REQUIRE(test::save(dir.path, 35, 35, 2, 1) == test::both_fine);  // resumed from 30: another branch than 40
  CHECK(state::steps(dir.path) == std::vector<std::int64_t>{35, 40});
  CHECK(test::load(dir.path, 35, 2, 35) == test::both_fine);
  CHECK(test::load(dir.path, 40, 2, 40) == test::both_fine);
}

TEST_CASE("a checkpoint of the same step is replaced, by another world size too") {
  const test::TemporaryDirectory dir;
  REQUIRE(test::save(dir.path, 10, 1) == test::both_fine);
  REQUIRE(test::save(dir.path, 10, 2, 1) == std::vector<std::string>{"no error"});
  CHECK(test::names_in(dir.path) == Names{"step-00000010"});
  CHECK(test::names_in(dir / "step-00000010") == Names{"manifest.json", "rank-00000-of-00001.safetensors"});
  CHECK(test::load(dir.path, 2, 1) == std::vector<std::string>{"no error"});
}

TEST_CASE("what a kill left is cleared by the next save, and nothing else") {
  const test::TemporaryDirectory dir;
  for (const char* name : {".step-00000003.partial", ".step-00000001.removed", "notes", ".hidden"}) {
    std::filesystem::create_directory(dir / name);
    test::write(dir / name / "file", "x");
  }
  REQUIRE(test::save(dir.path, 3, 3) == test::both_fine);
  CHECK(test::names_in(dir.path) == Names{"step-00000003", "notes", ".hidden"});
}

TEST_CASE("snapshots that cannot be saved are refused before anything is written") {
  const test::TemporaryDirectory dir;
  const Tensor x = at::zeros({2});
  const auto saving = [&](const std::vector<state::Entry>& tensors, std::int64_t step = 1, int keep = 2) {
    return test::run_world(1, [&](test::Threads& comm) {
      return test::try_save(dir / "run", step, {tensors, "", "", ""}, comm, keep);
    })[0];
  };
  CHECK_THAT(saving({{"x", x}, {"x", x}}),
             ContainsSubstring("[ashlar.state.11]") && ContainsSubstring("twice the name 'x'"));
  CHECK_THAT(saving({{"x", {}}}),
             ContainsSubstring("[ashlar.state.11]") && ContainsSubstring("undefined tensor 'x'"));
  CHECK_THAT(saving({{"__metadata__", x}}), ContainsSubstring("[ashlar.state.11]"));
  CHECK_THAT(saving({{"x", x.to(at::kComplexFloat)}}),
             ContainsSubstring("[ashlar.state.11]") && ContainsSubstring("dtype ComplexFloat of 'x'"));
  CHECK_THAT(saving({{"x", x}}, -1), ContainsSubstring("[ashlar.state.11]"));
  CHECK_THAT(saving({{"x", x}}, 1, 0), ContainsSubstring("[ashlar.state.11]"));
  CHECK_FALSE(std::filesystem::exists(dir / "run"));
  CHECK(saving({}) == "no error");
}

TEST_CASE("a write that fails on one rank fails on all and leaves the earlier checkpoint") {
  const test::TemporaryDirectory dir;
  REQUIRE(test::save(dir.path, 1, 1) == test::both_fine);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{20'000, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto said = test::run_world(3, [&](test::Threads& comm) {
    return test::try_save(dir.path, 2, test::snapshot(comm.rank(), 2, comm.rank() == 1 ? 10'000 : 1000),
                          comm);
  });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK_THAT(said[1], ContainsSubstring("[ashlar.state.1]") && ContainsSubstring("rank-00001-of-00003") &&
                          ContainsSubstring("File too large"));
  for (const std::size_t rank : {0u, 2u})
    CHECK_THAT(said[rank],
               ContainsSubstring("[ashlar.state.2]") && ContainsSubstring("a failure on rank 1:"));
  CHECK(test::names_in(dir.path) == Names{"step-00000001"});
  CHECK(test::load(dir.path, 1) == test::both_fine);
}

TEST_CASE("a full disk fails on all ranks and leaves the earlier checkpoint") {
  const test::TemporaryDirectory dir;
  if (::mount("tmpfs", dir.path.c_str(), "tmpfs", 0, "size=64k") != 0) {
    WARN("SKIP: no permission to mount a small file system");
    return;
  }
  CHECK(test::save(dir / "run", 1, 1) == test::both_fine);
  const auto said = test::run_world(2, [&](test::Threads& comm) {
    return test::try_save(dir / "run", 2, test::snapshot(comm.rank(), 2, 20'000), comm);
  });
  for (const auto& sentence : said)
    CHECK_THAT(sentence,
               ContainsSubstring("No space left on device") || ContainsSubstring("[ashlar.state.2]"));
  CHECK(test::names_in(dir / "run") == Names{"step-00000001"});
  CHECK(test::load(dir / "run", 1) == test::both_fine);
  CHECK(test::save(dir / "run", 2, 2) == test::both_fine);  // what was written is gone again: there is space
  CHECK(::umount(dir.path.c_str()) == 0);
}

TEST_CASE("a directory that may not be written is an error on all ranks") {
  const test::TemporaryDirectory dir;
  CHECK_THAT(test::save("/proc/self/run", 1, 1)[0], ContainsSubstring("[ashlar.state.1]"));
  const auto said = test::save(test::write(dir / "file", "x"), 1, 1);
  CHECK_THAT(said[0], ContainsSubstring("[ashlar.state.1]") && ContainsSubstring("/file"));
  CHECK_THAT(said[1], ContainsSubstring("[ashlar.state.2]") && ContainsSubstring("rank 0"));
}
