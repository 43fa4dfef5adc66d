// Parity of every strategy with the plain loop. One program, so that the plain loop is run once for all.
// processes: 1 2 4
// gpus: 1 2
// timeout: 600
#include "support/world.hpp"
