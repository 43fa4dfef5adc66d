#!/usr/bin/env bash
# timeout: 600
# cost: 50
# Installs the build to a place of its own, then configures, builds and runs a project that knows only that place.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${ASHLAR_BUILD_DIR:?the build tree to install; ctest sets it}"
cached() { sed -n "s|^$1:[^=]*=||p" "$ASHLAR_BUILD_DIR/CMakeCache.txt"; }

place=$ASHLAR_BUILD_DIR/outside # the same each time, so that a compiler cache knows it
rm -rf "$place"
cmake --install "$ASHLAR_BUILD_DIR" --prefix "$place/prefix" >/dev/null

include=$(cached LIBTORCH_INCLUDE_DIR)
cmake -S "$here" -B "$place/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_PREFIX_PATH="$place/prefix" -DASHLAR_LIBTORCH="${include%/include}" \
  -DASHLAR_BOOST_INCLUDE="$(cached ASHLAR_BOOST_INCLUDE)" -DASHLAR_RANGES_INCLUDE="$(cached ASHLAR_RANGES_INCLUDE)" \
  -DASHLAR_JSON_INCLUDE="$(cached ASHLAR_JSON_INCLUDE)" -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)"
cmake --build "$place/build"
"$place/build/outside"
