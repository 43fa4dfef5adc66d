// Parity of Bf16Mixed with wrap::BySize, for every Shard and Checkpoint.
#include "parity/parity.hpp"

TEST_CASE("Bf16Mixed, Large") {
  ashlar::test::check_all<ashlar::precision::Bf16Mixed, ashlar::test::Large>();
}
