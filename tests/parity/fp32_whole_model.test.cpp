// Parity of Fp32 with wrap::WholeModel, for every Shard and Checkpoint.
#include "parity/parity.hpp"

TEST_CASE("Fp32, Whole") {
  ashlar::test::check_all<ashlar::precision::Fp32, ashlar::test::Whole>();
}
