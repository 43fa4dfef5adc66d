// The main of tests of one process.
#include "support/runner.hpp"

int main(int argc, char** argv) {
  return ashlar::test::run_tests(argc, argv);
}
