// libtorch: no
#include <ashlar/data/text.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include "data/temporary.hpp"
#include "support/catch.hpp"

using namespace ashlar;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a text is its bytes") {
  const test::TemporaryDirectory dir;
  const data::Text text(test::write(dir / "a.txt", "ab\n\xff\x00z"));
  REQUIRE(text.size() == 4);  // the literal ends at its zero
  CHECK(text.vocabulary() == 256);
  std::vector<std::int64_t> ids(3);
  text.read(1, ids);
  CHECK(ids == std::vector<std::int64_t>{'b', '\n', 255});
  CHECK(data::Text::to_ids("b\xff") == std::vector<std::int64_t>{'b', 255});
  CHECK(data::Text::to_text(ids) == "b\n\xff");
  CHECK_THAT(test::sentence([&] { text.read(2, ids); }), ContainsSubstring("[ashlar.data.5]"));
}

TEST_CASE("a copy outlives the text it was copied from") {
  const test::TemporaryDirectory dir;
  const auto copy = [&] { return data::Text(test::write(dir / "a.txt", "abc")); }();
  std::filesystem::remove(dir / "a.txt");
  std::vector<std::int64_t> ids(1);
  copy.read(2, ids);
  CHECK(ids[0] == 'c');
}

TEST_CASE("the split leaves no token out and gives none twice") {
  const test::TemporaryDirectory dir;
  const data::Text text(test::write(dir / "a.txt", std::string(1000, 'a') + std::string(111, 'b')));
  const auto parts = data::split(text, 0.1);
  CHECK(parts.train.size() == 1000);
  CHECK(parts.validation.size() == 111);
  std::vector<std::int64_t> ids(111);
  parts.validation.read(0, ids);
  CHECK(ids == std::vector<std::int64_t>(111, 'b'));
  CHECK_THAT(test::sentence([&] { parts.train.read(999, std::span(ids).first(2)); }),
             ContainsSubstring("[ashlar.data.5] expected a read within 1000 tokens, got 2 tokens from 999"));
  CHECK(data::split(text, 0).train.size() == 1111);
  CHECK_THAT(test::sentence([&] { data::split(text, 1); }), ContainsSubstring("[ashlar.data.6]"));
  CHECK_THAT(test::sentence([&] { data::split(text, 0.0 / 0.0); }), ContainsSubstring("[ashlar.data.6]"));
}

TEST_CASE("files that are no text are named with what they are") {
  const test::TemporaryDirectory dir;
  const auto opening = [&](const std::filesystem::path& file) {
    return test::sentence([&] { data::Text{file}; });
  };
  CHECK_THAT(opening(dir / "none.txt"),
             ContainsSubstring("[ashlar.data.1] expected a text at '" + (dir / "none.txt").string() +
                               "', got nothing there"));
  CHECK_THAT(opening(dir.path), ContainsSubstring("[ashlar.data.2]") && ContainsSubstring("a directory"));
  ::mkfifo((dir / "pipe").c_str(), 0600);
  CHECK_THAT(opening(dir / "pipe"), ContainsSubstring("[ashlar.data.2]") && ContainsSubstring("a pipe"));
  CHECK_THAT(opening("/dev/zero"), ContainsSubstring("[ashlar.data.2]") && ContainsSubstring("a device"));
  CHECK_THAT(opening(test::write(dir / "empty.txt", "")),
             ContainsSubstring("[ashlar.data.4]") && ContainsSubstring("an empty file"));
}

TEST_CASE("an unreadable file is an error") {
  const test::TemporaryDirectory dir;
  const auto file = test::write(dir / "secret.txt", "abc");
  ::chmod(dir.path.c_str(), 0755);
  ::chmod(file.c_str(), 0);
  const bool root = ::geteuid() == 0;
  if (root) REQUIRE(::seteuid(65534) == 0);  // root reads everything
  const std::string said = test::sentence([&] { data::Text{file}; });
  if (root) REQUIRE(::seteuid(0) == 0);
  CHECK_THAT(said, ContainsSubstring("[ashlar.data.3]") && ContainsSubstring("Permission denied"));
}
