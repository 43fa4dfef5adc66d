// Parity of Bf16Pure with wrap::Each<Block>, for every Shard and Checkpoint.
#include "parity/parity.hpp"

TEST_CASE("Bf16Pure, Blocks") {
  ashlar::test::check_all<ashlar::precision::Bf16Pure, ashlar::test::Blocks>();
}
