// Parity of Bf16Split with wrap::WholeModel, for every Shard and Checkpoint.
#include "parity/parity.hpp"

TEST_CASE("Bf16Split, Whole") {
  ashlar::test::check_all<ashlar::precision::Bf16Split, ashlar::test::Whole>();
}
