// run_tests: the test cases of a program, on one process or on each rank of several.
#pragma once

namespace ashlar::test {

// Catch's result for this rank. The main of several ranks goes through comm::guarded, so that a failure ends
// all of them.
int run_tests(int argc, char** argv, int rank = 0, int size = 1);

}  // namespace ashlar::test
