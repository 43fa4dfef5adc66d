#include <ashlar/state/load.hpp>

#include <ATen/ops/randn.h>

#include "state/saved.hpp"
#include "support/catch.hpp"

using namespace ashlar;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Saved {
  test::TemporaryDirectory dir;
  std::filesystem::path step = dir / "step-00000007";
  std::filesystem::path rank1 = step / "rank-00001-of-00002.safetensors";
  Saved() { REQUIRE(test::save(dir.path, 7, 7) == test::both_fine); }

  // Rank 1 finds `says`, and rank 0 fails with it.
  void check_rank_1(std::string_view id, std::string_view says) const {
    const auto said = test::load(dir.path, 7);
    CHECK_THAT(said[1], ContainsSubstring(std::string(id)) && ContainsSubstring(std::string(says)));
    CHECK_THAT(said[0], ContainsSubstring("[ashlar.state.2]") && ContainsSubstring("a failure on rank 1:"));
  }

  // Both find it.
  void check_both(std::string_view id, std::string_view says, int ranks = 2) const {
    for (const auto& said : test::load(dir.path, 7, ranks))
      CHECK_THAT(said, ContainsSubstring(std::string(id)) && ContainsSubstring(std::string(says)));
  }

  // Loads into other tensors on rank 0.
  std::string into(std::vector<state::Entry> tensors) const {
    return test::run_world(2, [&](test::Threads& comm) {
      auto snapshot = test::snapshot(comm.rank(), -1);
      if (comm.rank() == 0) snapshot.tensors = tensors;
      return test::sentence([&] { state::load(dir.path, snapshot, comm); });
    })[0];
  }
};

}  // namespace

TEST_CASE("tensors of every dtype and layout come back bit for bit, in place") {
  const test::TemporaryDirectory dir;
  const Tensor x = at::randn({6, 4}).mul(100);
  const auto entries = [&](auto&& make) {
    std::vector<state::Entry> all;
    for (const auto type :
         {at::kDouble, at::kFloat, at::kBFloat16, at::kHalf, at::kLong, at::kInt, at::kByte, at::kBool})
      all.push_back({c10::toString(type), make(x.to(type))});
    all.push_back({"transposed", make(x).t()});
    all.push_back({"strided", make(x).slice(1, 0, 4, 2)});
    all.push_back({"scalar", make(at::full({}, 1.5))});
    all.push_back({"empty", make(at::zeros({0, 3}))});
    all.push_back({"leaf", make(x).set_requires_grad(true)});
    all.push_back({"transposed leaf", make(x).t().set_requires_grad(true)});
    return all;
  };
  test::run_world(1, [&](test::Threads& comm) {
    const state::Snapshot from{entries([](const Tensor& t) { return t.clone(); }), "meta", "s", "m"};
    state::save(dir.path, 1, from, comm);
    state::Snapshot into{entries([](const Tensor& t) { return at::zeros_like(t); }), "", "s", "m"};
    const std::vector<state::Entry> before = into.tensors;
    CHECK(state::load(dir.path, into, comm) == 1);
    for (std::size_t i = 0; i < into.tensors.size(); ++i) {
      CAPTURE(from.tensors[i].name);
      CHECK(at::equal(into.tensors[i].tensor, from.tensors[i].tensor));
      CHECK(into.tensors[i].tensor.is_same(before[i].tensor));
    }
    CHECK(into.meta == "meta");
    return 0;
  });
}

TEST_CASE("the latest is loaded, or the step that was asked for") {
  const test::TemporaryDirectory dir;
  test::save(dir.path, 7, 7), test::save(dir.path, 20, 20);
  CHECK(test::load(dir.path, 20) == test::both_fine);
  CHECK(test::load(dir.path, 7, 2, 7) == test::both_fine);
  CHECK_THAT(test::load(dir.path, 7, 2, 8)[1],
             ContainsSubstring("[ashlar.state.3]") && ContainsSubstring("only those of step 7, 20"));
}

TEST_CASE("no checkpoint there") {
  const test::TemporaryDirectory dir;
  for (const auto& where : {dir.path, dir / "none"}) {
    const auto said = test::load(where, 7);
    CHECK_THAT(said[0], ContainsSubstring("[ashlar.state.3]") && ContainsSubstring("got none"));
    CHECK_THAT(said[1], ContainsSubstring("[ashlar.state.2]"));
  }
}

TEST_CASE("another world size names both numbers and what to do") {
  const Saved saved;
  saved.check_both("[ashlar.state.5]", "a checkpoint of 4 processes", 4);
  saved.check_both("[ashlar.state.5]", "got one of 2: start 2 processes", 4);
}

TEST_CASE("another strategy or model is named") {
  const Saved saved;
  const auto loading = [&](const char* strategy, const char* model) {
    return test::run_world(2, [&](test::Threads& comm) {
      auto into = test::snapshot(comm.rank(), -1);
      into.strategy = strategy, into.model = model;
      return test::sentence([&] { state::load(saved.dir.path, into, comm); });
    })[1];
  };
  CHECK_THAT(loading("Zero1, Fp32", "Gpt<2>"),
             ContainsSubstring("[ashlar.state.6] expected the strategy 'Zero1, Fp32'") &&
                 ContainsSubstring("got 'Zero3, Fp32'"));
  CHECK_THAT(loading("Zero3, Fp32", "Gpt<3>"),
             ContainsSubstring("[ashlar.state.6] expected the model 'Gpt<3>'"));
}

TEST_CASE("a missing, shortened or lengthened file is named with its rank") {
  const Saved saved;
  const auto bytes = test::read(saved.rank1);
  test::write(saved.rank1, bytes + "x");
  saved.check_rank_1("[ashlar.state.7]", "rank-00001-of-00002.safetensors', as the manifest says");
  test::write(saved.rank1, bytes.substr(0, bytes.size() - 1));
  saved.check_rank_1("[ashlar.state.7]", "got " + std::to_string(bytes.size() - 1));
  std::filesystem::remove(saved.rank1);
  saved.check_rank_1("[ashlar.state.7]", "No such file");
  std::filesystem::create_directory(saved.rank1);
  saved.check_rank_1("[ashlar.state.7]", "rank-00001");
}

TEST_CASE("a file of another checkpoint is refused, and a checkpoint under another step's name") {
  const Saved saved;
  const test::TemporaryDirectory other;
  REQUIRE(test::save(other.path, 8, 8) == test::both_fine);
  const auto later = other / "step-00000008";
  const auto file = saved.rank1.filename();
  const auto overwrite = std::filesystem::copy_options::overwrite_existing;
  std::filesystem::copy_file(later / file, saved.rank1, overwrite);  // of another step
  saved.check_rank_1("[ashlar.state.9]", "of the head of");
  std::filesystem::copy_file(saved.step / "rank-00000-of-00002.safetensors", saved.rank1, overwrite);
  saved.check_rank_1("[ashlar.state.9]", "or another checkpoint's");  // of another rank

  std::filesystem::remove_all(saved.step);
  std::filesystem::rename(later, saved.step);
  saved.check_both("[ashlar.state.4]", "the manifest of step 7");
  saved.check_both("[ashlar.state.4]", "got that of step 8: give the directory its own name, step-00000008");
}

TEST_CASE("a flipped bit anywhere in a file is found, and nothing is changed by finding it") {
  const Saved saved;
  const auto bytes = test::read(saved.rank1);
  const auto data = bytes.size() - 4000 - 8;
  for (std::size_t at = 0; at < bytes.size(); at += at < data ? 1 : 211) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    test::write(saved.rank1, damaged);
    const auto values = test::run_world(2, [&](test::Threads& comm) {
      auto into = test::snapshot(comm.rank(), -1);
      const auto said = test::sentence([&] { state::load(saved.dir.path, into, comm); });
      const bool untouched =
          at::equal(into.tensors[0].tensor, test::snapshot(comm.rank(), -1).tensors[0].tensor);
      return untouched ? said : "changed after " + said;
    });
    CAPTURE(at, values[1]);
    REQUIRE_THAT(values[0], ContainsSubstring("[ashlar.state.2]"));
    REQUIRE_THAT(values[1], Catch::Matchers::StartsWith("[ashlar.state."));
    if (at >= data && at < bytes.size() - 8)
      REQUIRE_THAT(values[1], ContainsSubstring("[ashlar.state.9]") && ContainsSubstring("'block.0.weight'"));
  }
}

TEST_CASE("an unknown dtype and a head of an absurd length are refused") {
  const Saved saved;
  const auto bytes = test::read(saved.rank1);
  auto unknown = bytes;
  unknown.replace(unknown.find("\"F32\""), 5, "\"F99\"");
  test::write(saved.rank1, unknown);
  saved.check_rank_1("[ashlar.state.8]", "dtype \"F99\" of tensor 'block.0.weight'");
  test::write(saved.rank1, "\xff\xff\xff\xff\xff\xff\xff\x7f" + bytes.substr(8));
  saved.check_rank_1("[ashlar.state.8]", "a head of 9223372036854775807 bytes");
}

TEST_CASE("a damaged or missing manifest is refused") {
  const Saved saved;
  const auto manifest = saved.step / "manifest.json";
  const auto text = test::read(manifest);
  test::write(manifest, text.substr(0, text.size() / 2));
  saved.check_both("[ashlar.state.4]", "no JSON object");
  auto edited = text;
  edited.replace(edited.find("\"step\": 7"), 9, "\"step\": 8");
  test::write(manifest, edited);
  saved.check_both("[ashlar.state.4]", "wrong checksum");
  std::filesystem::remove(manifest);
  saved.check_both("[ashlar.state.4]", "manifest.json");
}

TEST_CASE("tensors that do not fit are named, with both shapes") {
  const Saved saved;
  const state::Entry weight{"block.0.weight", at::zeros({100, 10})},
      step{"optimizer.step", at::zeros({}, at::kLong)};
  CHECK(saved.into({step, weight}) == "no error");  // by name, not by order
  CHECK_THAT(saved.into({weight, step, {"new", at::zeros({1})}}),
             ContainsSubstring("[ashlar.state.10] expected tensor 'new'") &&
                 ContainsSubstring("got none of that name"));
  CHECK_THAT(saved.into({weight}),
             ContainsSubstring("[ashlar.state.10]") && ContainsSubstring("got also 'optimizer.step'"));
  CHECK_THAT(saved.into({{"block.0.weight", at::zeros({10, 100})}, step}),
             ContainsSubstring("[ashlar.state.10] expected tensor 'block.0.weight' as F32 (10, 100)") &&
                 ContainsSubstring("got F32 (100, 10)"));
  CHECK_THAT(saved.into({weight, {"optimizer.step", at::zeros({}, at::kInt)}}),
             ContainsSubstring("as I32 ()") && ContainsSubstring("got I64 ()"));
}
