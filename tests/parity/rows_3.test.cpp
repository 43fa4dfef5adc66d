// Parity of the rows 3, 7, 11 and so on of parity/rows.hpp.
#include "parity/parity.hpp"

TEST_CASE("rows from 3 on") {
  ashlar::test::check_rows<3, 4>();
}
