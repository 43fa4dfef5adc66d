// Parity of Bf16Pure with wrap::WholeModel, for every Shard and Checkpoint.
#include "parity/parity.hpp"

TEST_CASE("Bf16Pure, Whole") {
  ashlar::test::check_all<ashlar::precision::Bf16Pure, ashlar::test::Whole>();
}
