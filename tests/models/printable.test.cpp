// libtorch: no
// What a model of bytes writes, on a terminal.
#include <string>
#include <string_view>

#include "support/catch.hpp"

namespace ashlar::models {
std::string printable(std::string_view text);
}

using namespace std::string_literals;

TEST_CASE("a text stays as it is, and what could command a terminal does not") {
  const auto printable = [](std::string_view text) { return ashlar::models::printable(text); };
  for (const char* text : {"In the beginning\n\tGod\r\n", "Größe, 神, \U0001F30D", ""})
    CHECK(printable(text) == text);
  CHECK(printable("a\x1b[2Jb") == "a\\x1b[2Jb");
  CHECK(printable("\r\a\b\x7f\0"s) == "\\x0d\\x07\\x08\\x7f\\x00");
  CHECK(printable("\xc2\x9b"
                  "31m") == "\\xc2\\x9b31m");  // a control character of two bytes
  CHECK(printable("\x9b\xff") == "\\x9b\\xff");
  CHECK(printable("\xe7\xa5") == "\\xe7\\xa5");  // cut off
  CHECK(printable("\xe7\xa5 a") == "\\xe7\\xa5 a");
  CHECK(printable("\xc0\x9b\xed\xa0\x80") == "\\xc0\\x9b\\xed\\xa0\\x80");  // too long; half of a pair
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");           // beyond Unicode
}
