// Parity of Bf16Mixed with wrap::Each<Block>, for every Shard and Checkpoint.
#include "parity/parity.hpp"

TEST_CASE("Bf16Mixed, Blocks") {
  ashlar::test::check_all<ashlar::precision::Bf16Mixed, ashlar::test::Blocks>();
}
