// Parity of the rows 2, 6, 10 and so on of parity/rows.hpp.
#include "parity/parity.hpp"

TEST_CASE("rows from 2 on") {
  ashlar::test::check_rows<2, 4>();
}
