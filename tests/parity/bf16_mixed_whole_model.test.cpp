// Parity of Bf16Mixed with wrap::WholeModel, for every Shard and Checkpoint.
#include "parity/parity.hpp"

TEST_CASE("Bf16Mixed, Whole") {
  ashlar::test::check_all<ashlar::precision::Bf16Mixed, ashlar::test::Whole>();
}
