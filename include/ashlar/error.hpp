// Error: one sentence that says what was expected, what came, and what to do, under a stable id.
#pragma once

#include <ashlar/cxx20.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace ashlar {

// what() reads "[ashlar.<part>.<n>] <what was expected>, got <what came>: <what to do>".
// Programs run under comm::guarded (ashlar/comm/guard.hpp), which prints what() and exits non-zero.
class Error : public std::runtime_error {
 public:
  Error(std::string_view id, std::string_view expected, std::string_view got, std::string_view remedy)
      : std::runtime_error("[ashlar." + std::string(id) + "] expected " + std::string(expected) + ", got " +
                           std::string(got) + ": " + std::string(remedy)) {}
};

}  // namespace ashlar
