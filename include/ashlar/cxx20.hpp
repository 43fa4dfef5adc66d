// Refuses a compiler that is told to compile another language. Included before code that needs C++20.
//
// A compiler goes on after an #error, and prints hundreds of others. Only a missing file stops it, so the
// sentence is the name of one.
#pragma once

#if __cplusplus < 202002L
#include "[ashlar.build.1] Ashlar is written in C++20 and is compiled as an older C++ here: write -std=c++20"
#define constexpr  // clang reads on without a word, and crashes at a constexpr destructor
#elif !defined(__cpp_exceptions)
#include "[ashlar.build.2] Ashlar reports errors as exceptions, and -fno-exceptions is given: leave it out"
#endif
