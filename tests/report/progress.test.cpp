// libtorch: no
#include <ashlar/report/progress.hpp>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "data/temporary.hpp"
#include "support/catch.hpp"

using namespace ashlar;
using Catch::Matchers::ContainsSubstring;
using std::chrono::seconds;

namespace {

// Both ends of a terminal of 60 columns.
struct Terminal {
  int outside;
  std::FILE* inside;

  Terminal() : outside(::posix_openpt(O_RDWR | O_NOCTTY)) {
    REQUIRE(outside >= 0);
    REQUIRE((::grantpt(outside) == 0 && ::unlockpt(outside) == 0));
    inside = std::fopen(::ptsname(outside), "w");
    REQUIRE(inside != nullptr);
    resize(60);
    ::setenv("TERM", "xterm", 1);
    ::unsetenv("NO_COLOR");
  }
  ~Terminal() {
    std::fclose(inside);
    ::close(outside);
  }
  void resize(unsigned short columns) const {
    const winsize size{24, columns, 0, 0};
    REQUIRE(::ioctl(outside, TIOCSWINSZ, &size) == 0);
  }
  // What was written since the last call: the kernel brings it over in pieces, so a mark ends it.
  std::string shown() const {
    constexpr char mark = '\x1d';
    std::fputc(mark, inside);
    std::fflush(inside);
    std::string text;
    while (!text.ends_with(mark)) {
      char piece[4096];
      const auto got = ::read(outside, piece, sizeof piece);
      REQUIRE(got > 0);
      text.append(piece, static_cast<std::size_t>(got));
    }
    text.pop_back();
    return text;
  }
};

std::string in_file(auto&& print) {
  const test::TemporaryDirectory dir;
  std::FILE* file = std::fopen((dir / "log").c_str(), "w");
  print(file);
  std::fclose(file);
  return test::read(dir / "log");
}

}  // namespace

TEST_CASE("the line says what is known") {
  CHECK(report::progress_line({.step = 7}, 5000, {}) == "step    7/5000");
  CHECK(report::progress_line(
            {.step = 1200, .loss = 1.94321, .tokens_per_second = 51234, .bytes_in_use = 412 << 20}, 5000,
            192) == "step 1200/5000  loss 1.9432  51.2k tokens/s  3 min 12 s left  412 MiB a rank");
  CHECK(report::progress_line({.step = 9, .tokens_per_second = 12.3e6, .bytes_in_use = 20LL << 30}, 8,
                              7322) == "step 9/8  12.3M tokens/s  2 h 2 min left  20.0 GiB a rank");
}

TEST_CASE("off a terminal: plain lines now and then, the first and the last always") {
  const auto text = in_file([](std::FILE* file) {
    report::Progress progress(100, 0, file, seconds(1000));
    for (int step = 1; step <= 100; ++step) {
      progress.step({.step = step, .loss = 2.});
      if (step == 50) progress.say("validation loss 1.9");
    }
  });
  CHECK(text == "step   1/100  loss 2.0000\nvalidation loss 1.9\nstep 100/100  loss 2.0000  0 s left\n");
  const auto often = in_file([](std::FILE* file) {
    report::Progress progress(10, 0, file, seconds(0));
    for (int step = 1; step <= 10; ++step) progress.step({.step = step});
  });
  CHECK(std::count(often.begin(), often.end(), '\n') == 10);
  for (const char c : text + often) REQUIRE((c == '\n' || c >= ' '));
}

TEST_CASE("other ranks print nothing") {
  CHECK(in_file([](std::FILE* file) {
          report::Progress progress(2, 1, file);
          progress.step({.step = 2});
          progress.say("hello");
        }) == "");
}

TEST_CASE("on a terminal the line is rewritten in place and never wraps") {
  const Terminal terminal;
  {
    report::Progress progress(100, 0, terminal.inside);
    progress.step({.step = 1, .loss = 2., .tokens_per_second = 51234, .bytes_in_use = 412 << 20});
    CHECK(terminal.shown() ==
          "\r\x1b[1mstep   1/100  loss 2.0000  51.2k tokens/s  412 MiB a rank\x1b[0m\x1b[K");
    progress.say("saved");
    CHECK_THAT(terminal.shown(), Catch::Matchers::StartsWith("\r\x1b[Ksaved\r\n\r\x1b[1mstep   1/100"));
    progress.step({.step = 100, .loss = 2., .tokens_per_second = 51234, .bytes_in_use = 412 << 20});
    const auto last = terminal.shown();
    CHECK_THAT(last, ContainsSubstring("step 100/100"));
    CHECK(last.size() == 59 + std::string("\r\x1b[1m\x1b[0m\x1b[K").size());
  }
  CHECK(terminal.shown() == "\r\n");
}

TEST_CASE("NO_COLOR means no colour, and a dumb terminal gets plain lines") {
  const Terminal terminal;
  ::setenv("NO_COLOR", "1", 1);
  report::Progress(100, 0, terminal.inside).step({.step = 1});
  CHECK(terminal.shown() == "\rstep   1/100\x1b[K\r\n");
  ::setenv("TERM", "dumb", 1);
  report::Progress(100, 0, terminal.inside).step({.step = 1});
  CHECK(terminal.shown() == "step   1/100\r\n");
}

TEST_CASE("a terminal without a width, as mpirun makes them, is none unless the launcher says so") {
  Terminal terminal;
  terminal.resize(0);
  ::unsetenv("ASHLAR_COLUMNS");
  { report::Progress(9, 0, terminal.inside).step({.step = 9}); }
  const auto plain = terminal.shown();
  CHECK_THAT(plain, ContainsSubstring("step 9/9"));
  for (const char c : plain) REQUIRE((c == '\r' || c == '\n' || c >= ' '));  // the terminal adds the return

  ::setenv("ASHLAR_COLUMNS", "30", 1);
  { report::Progress(9, 0, terminal.inside).step({.step = 9}); }
  CHECK_THAT(terminal.shown(), ContainsSubstring("\x1b[K"));
  ::unsetenv("ASHLAR_COLUMNS");
}
