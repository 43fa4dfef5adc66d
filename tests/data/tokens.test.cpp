// libtorch: no
#include <ashlar/data/tokens.hpp>

#include "data/temporary.hpp"
#include "support/catch.hpp"

using namespace ashlar;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string header(std::int32_t magic, std::int32_t version, std::int32_t count) {
  std::vector<std::int32_t> fields(256);
  fields[0] = magic, fields[1] = version, fields[2] = count;
  return test::bytes_of(fields);
}

std::string ids16(std::vector<std::uint16_t> ids) {
  return test::bytes_of(ids);
}

std::vector<std::int64_t> all(const data::Tokens& tokens) {
  std::vector<std::int64_t> ids(tokens.size());
  tokens.read(0, ids);
  return ids;
}

struct Files {
  test::TemporaryDirectory dir;
  std::string opening(std::string_view name, std::string_view bytes, std::int64_t vocabulary = 50257) const {
    return test::sentence([&] { data::Tokens(test::write(dir / name, bytes), vocabulary); });
  }
};

}  // namespace

TEST_CASE("the three formats hold the same ids") {
  const test::TemporaryDirectory dir;
  const std::vector<std::int64_t> ids{7, 50256, 0, 65};
  const std::vector<std::uint32_t> wide{7, 50256, 0, 65};
  const auto raw = ids16({7, 50256, 0, 65});
  const auto open = [&](std::string_view name, const std::string& bytes) {
    return data::Tokens(test::write(dir / name, bytes), 50257);
  };
  CHECK(all(open("train.bin", raw)) == ids);
  CHECK(all(open("train", header(20240520, 1, 4) + raw)) == ids);  // llm.c's mark, whatever the name
  CHECK(all(open("llama", header(20240801, 7, 4) + test::bytes_of(wide))) == ids);

  const auto tokens = open("train.bin", raw);
  std::vector<std::int64_t> two(2);
  tokens.read(2, two);
  CHECK(two == std::vector<std::int64_t>{0, 65});
  CHECK_THAT(test::sentence([&] { tokens.read(3, two); }), ContainsSubstring("[ashlar.data.5]"));
}

TEST_CASE("formats that are not known are refused") {
  const Files files;
  for (const auto& [name, bytes] : std::vector<std::pair<std::string, std::string>>{
           {"kjv.txt", "In the beginning"},
           {"odd.bin", "abc"},
           {"megatron.bin", "MMIDIDX\0\0"},
           {"array.bin", "\x93NUMPY\x01\x00"},
           {"new.bin", header(20240520, 2, 4) + ids16({1, 2, 3, 4})},
           {"new3.bin", header(20240801, 1, 4) + ids16({1, 2, 3, 4})},
       })
    CHECK_THAT(files.opening(name, bytes), ContainsSubstring("[ashlar.data.7]") && ContainsSubstring(name));
}

TEST_CASE("a token file whose header and length differ is refused with both counts") {
  const Files files;
  const auto raw = ids16({1, 2, 3, 4});
  CHECK_THAT(files.opening("a.bin", header(20240520, 1, 9) + raw),
             ContainsSubstring("[ashlar.data.8] expected 9 tokens in") &&
                 ContainsSubstring("got 4 tokens in 1032 bytes"));
  CHECK_THAT(files.opening("a.bin", header(20240520, 1, 3) + raw), ContainsSubstring("[ashlar.data.8]"));
  CHECK_THAT(files.opening("a.bin", header(20240520, 1, 4) + raw + "x"),
             ContainsSubstring("[ashlar.data.8]"));
  CHECK_THAT(files.opening("a.bin", header(20240520, 1, -4) + raw), ContainsSubstring("[ashlar.data.8]"));
  CHECK_THAT(files.opening("a.bin", header(20240801, 7, 4) + raw), ContainsSubstring("[ashlar.data.8]"));
  CHECK_THAT(files.opening("a.bin", header(20240520, 1, 4).substr(0, 500)),
             ContainsSubstring("[ashlar.data.8] expected a header of 1024 bytes"));
  CHECK_THAT(files.opening("a.bin", header(20240520, 1, 0)), ContainsSubstring("[ashlar.data.4]"));
}

TEST_CASE("missing, empty and directories") {
  const Files files;
  CHECK_THAT(files.opening("a.bin", ""), ContainsSubstring("[ashlar.data.4]"));
  CHECK_THAT(test::sentence([&] { data::Tokens(files.dir / "no.bin", 9); }),
             ContainsSubstring("[ashlar.data.1]"));
  CHECK_THAT(test::sentence([&] { data::Tokens(files.dir.path, 9); }), ContainsSubstring("[ashlar.data.2]"));
}

TEST_CASE("an id beyond the vocabulary is named with its place, in every block of the file") {
  const Files files;
  for (const std::size_t place : {0UL, 8191UL, 8192UL, 20000UL, 24575UL, 24999UL}) {
    std::vector<std::uint16_t> ids(25000, 3);
    ids[place] = 50257;
    const std::string said = "got id 50257 at token " + std::to_string(place) + ":";
    CHECK_THAT(files.opening("a.bin", test::bytes_of(ids)),
               ContainsSubstring("[ashlar.data.9] expected ids below the vocabulary of 50257") &&
                   ContainsSubstring(said));
    CHECK_THAT(files.opening("a.bin", header(20240520, 1, 25000) + test::bytes_of(ids)),
               ContainsSubstring(said));
    CHECK(files.opening("a.bin", test::bytes_of(ids), 50258) == "no error");
  }
  CHECK_THAT(
      files.opening("a.bin", header(20240801, 7, 1) + test::bytes_of(std::vector<std::uint32_t>{4000000000})),
      ContainsSubstring("got id 4000000000 at token 0"));
}
