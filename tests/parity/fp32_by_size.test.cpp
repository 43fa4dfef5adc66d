// Parity of Fp32 with wrap::BySize, for every Shard and Checkpoint.
// processes: 1 2 4
// gpus: 1 2
// timeout: 300
#define CATCH_CONFIG_RUNNER
#include "parity/parity.hpp"

TEST_CASE("Fp32, Large") {
  ashlar::test::check_all<ashlar::precision::Fp32, ashlar::test::Large>();
}

int main(int argc, char** argv) {
  return ashlar::test::run_in_world(argc, argv);
}
