// ASHLAR_FOR_ANY_X86: before a function of a .cpp file whose loops vector units run.
#pragma once

// Compiled twice, for any x86-64 and for one with AVX2, of which the loader takes what the machine has: twice
// as fast. The sanitizers' own loader comes too late for that.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define ASHLAR_FOR_ANY_X86 __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define ASHLAR_FOR_ANY_X86
#endif
