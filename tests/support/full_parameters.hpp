// What two trainers ended with, compared.
#pragma once

#include <cstddef>
#include <vector>

#include <ashlar/training.hpp>

#include "support/catch.hpp"

namespace ashlar::test {

// Bit for bit, optimizer state included.
inline void check_equal(const std::vector<FullParameter>& a, const std::vector<FullParameter>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(a[i].name);
    CHECK(a[i].name == b[i].name);
    CHECK(a[i].value.equal(b[i].value));
    REQUIRE(a[i].states.size() == b[i].states.size());
    for (std::size_t k = 0; k < a[i].states.size(); ++k) CHECK(a[i].states[k].equal(b[i].states[k]));
  }
}

}  // namespace ashlar::test
