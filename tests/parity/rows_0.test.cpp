// Parity of the rows 0, 4, 8 and so on of parity/rows.hpp.
#include "parity/parity.hpp"

TEST_CASE("rows from 0 on") {
  ashlar::test::check_rows<0, 4>();
}
