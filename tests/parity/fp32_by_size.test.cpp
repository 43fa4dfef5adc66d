// Parity of Fp32 with wrap::BySize, for every Shard and Checkpoint.
#include "parity/parity.hpp"

TEST_CASE("Fp32, Large") {
  ashlar::test::check_all<ashlar::precision::Fp32, ashlar::test::Large>();
}
