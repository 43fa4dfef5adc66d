// Parity of Bf16Split with wrap::BySize, for every Shard and Checkpoint.
#include "parity/parity.hpp"

TEST_CASE("Bf16Split, Large") {
  ashlar::test::check_all<ashlar::precision::Bf16Split, ashlar::test::Large>();
}
