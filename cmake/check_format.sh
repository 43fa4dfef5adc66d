#!/usr/bin/env bash
# Says which files clang-format would change. Other versions of it format otherwise, so it must be 16.

set -euo pipefail
cd "$(dirname "$0")/.."
command -v clang-format-16 >/dev/null || { echo "SKIP: clang-format-16 is not installed"; exit 77; }
find include policies tests examples benchmarks -name '*.hpp' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' |
  xargs clang-format-16 --dry-run --Werror --ferror-limit=1
