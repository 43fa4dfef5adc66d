// Catch on several ranks: every rank runs every test; rank 0 reports, and a rank that fails.
//
// A rank's first failure ends its run, and then the whole job: the others may wait for it in a collective.
// What ranks other than 0 print goes to a file of their own and is shown only if they fail.
//
// The one source that compiles Catch itself, which takes as long as all of a test.
#define CATCH_CONFIG_RUNNER
#include "support/runner.hpp"

#include <cstddef>
#include <cstdio>
#include <string>

#include <unistd.h>

#include "support/catch.hpp"

namespace ashlar::test {
namespace {

// Standard output and error, held back until somebody asks for them.
class Withheld {
 public:
  Withheld() : out_(dup(STDOUT_FILENO)), error_(dup(STDERR_FILENO)), file_(std::tmpfile()) {
    redirect(fileno(file_), fileno(file_));
  }

  ~Withheld() {
    redirect(out_, error_);
    close(out_);
    close(error_);
    std::fclose(file_);
  }

  Withheld(const Withheld&) = delete;
  Withheld& operator=(const Withheld&) = delete;

  std::string text() {
    std::fflush(nullptr);
    std::string all;
    char block[4096];
    std::rewind(file_);
    while (const std::size_t n = std::fread(block, 1, sizeof block, file_)) all.append(block, n);
    return all;
  }

 private:
  static void redirect(int out, int error) {
    std::fflush(nullptr);
    dup2(out, STDOUT_FILENO);
    dup2(error, STDERR_FILENO);
  }

  int out_;
  int error_;
  std::FILE* file_;
};

}  // namespace

int run_tests(int argc, char** argv, int rank, int size) {
  Catch::Session session;
  if (const int wrong = session.applyCommandLine(argc, argv)) return wrong;
  if (size > 1) session.configData().abortAfter = 1;
  if (rank == 0) return session.run();
  int result = 0;
  std::string text;
  {
    Withheld output;
    result = session.run();
    text = output.text();
  }
  if (result != 0) std::fprintf(stderr, "rank %d:\n%s", rank, text.c_str());
  return result;
}

}  // namespace ashlar::test
