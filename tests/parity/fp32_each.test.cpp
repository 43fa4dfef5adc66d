// Parity of Fp32 with wrap::Each<Block>, for every Shard and Checkpoint.
#include "parity/parity.hpp"

TEST_CASE("Fp32, Blocks") {
  ashlar::test::check_all<ashlar::precision::Fp32, ashlar::test::Blocks>();
}
