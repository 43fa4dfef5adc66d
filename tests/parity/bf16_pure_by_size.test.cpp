// Parity of Bf16Pure with wrap::BySize, for every Shard and Checkpoint.
#include "parity/parity.hpp"

TEST_CASE("Bf16Pure, Large") {
  ashlar::test::check_all<ashlar::precision::Bf16Pure, ashlar::test::Large>();
}
