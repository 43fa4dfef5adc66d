// Parity of Bf16Pure with wrap::Each<Block>, for every Shard and Checkpoint.
// processes: 1 2 4
// gpus: 1 2
// timeout: 300
#define CATCH_CONFIG_RUNNER
#include "parity/parity.hpp"

TEST_CASE("Bf16Pure, Blocks") {
  ashlar::test::check_all<ashlar::precision::Bf16Pure, ashlar::test::Blocks>();
}

int main(int argc, char** argv) {
  return ashlar::test::run_in_world(argc, argv);
}
