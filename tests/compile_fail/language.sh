#!/usr/bin/env bash
# A compiler that is told to compile another language prints one error, which says so.

set -euo pipefail
cd "$(dirname "$0")/../.."
status=0
# compile <what stands in the error> <command>...: reads the program from stdin
compile() {
  local expected=$1 log
  shift
  if log=$("$@" -Iinclude -Ipolicies -x c++ -fsyntax-only - 2>&1); then
    echo "$* should not compile, and does"; status=1; return
  fi
  [[ $(grep -c 'error:' <<<"$log") == 1 && $log == *"error: "*"$expected"* ]] ||
    { echo "$* should give one error, with $expected, and gives"; echo "$log" | head -5; status=1; }
}

for compiler in g++ clang++-16; do
  command -v $compiler >/dev/null || continue
  for header in ashlar policies models/generate data/tokens state/save; do
    compile '[ashlar.build.1]' $compiler -std=c++17 <<<"#include <ashlar/$header.hpp>
      ashlar::nothing here();"
    compile '[ashlar.build.2]' $compiler -std=c++20 -fno-exceptions <<<"#include <ashlar/$header.hpp>"
  done
done
exit $status
