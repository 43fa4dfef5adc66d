// Parity of the rows 1, 5, 9 and so on of parity/rows.hpp.
#include "parity/parity.hpp"

TEST_CASE("rows from 1 on") {
  ashlar::test::check_rows<1, 4>();
}
