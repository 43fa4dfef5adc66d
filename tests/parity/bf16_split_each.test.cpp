// Parity of Bf16Split with wrap::Each<Block>, for every Shard and Checkpoint.
#include "parity/parity.hpp"

TEST_CASE("Bf16Split, Blocks") {
  ashlar::test::check_all<ashlar::precision::Bf16Split, ashlar::test::Blocks>();
}
