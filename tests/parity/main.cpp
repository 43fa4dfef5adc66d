// Parity of every strategy with the plain loop. One program, so that the plain loop is run once for all.
// processes: 1 2 4
// gpus: 1 2
// timeout: 600
#define CATCH_CONFIG_RUNNER
#include "support/run_in_world.hpp"

int main(int argc, char** argv) {
  return ashlar::test::run_in_world(argc, argv);
}
