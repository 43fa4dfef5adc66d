// Catch2, version 2 or 3, after LibTorch: include this header last, below every header that may bring
// LibTorch in.
//
// Why last: c10 leaks a macro CHECK that aborts the process. If it is defined after Catch's, a failed CHECK
// kills the test program without a report. Whatever c10 defined is dropped here, so that Catch's CHECK wins.
#pragma once

#undef CHECK

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#define ASHLAR_CATCH_VERSION 3
#else
#include <catch2/catch.hpp>
#define ASHLAR_CATCH_VERSION 2
#endif

// Tests use the names of version 3.
#if ASHLAR_CATCH_VERSION == 2
namespace Catch {
using Detail::Approx;  // hides the vector matcher of this name
namespace Matchers {
inline auto ContainsSubstring(const std::string& text) {
  return Contains(text);
}
}  // namespace Matchers
}  // namespace Catch
#endif
