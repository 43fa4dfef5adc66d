#!/usr/bin/env bash
# Builds everything and runs every test; ctest's closing summary is the last output.
#
#   tests/run.sh [ctest arguments]       for example: tests/run.sh -R engine
#
# A test that has passed passes again without being run until something changes that it could see. With ASHLAR_RERUN=1
# all are run.

# shellcheck source=../cmake/bootstrap.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/bootstrap.sh"

lock
bootstrap tests

# build PRESET [CMAKE ARGUMENTS]: all that compiles is built, also when something does not, so that ctest can say what is
# left.
broken=0
build() {
  local start=$SECONDS
  say "building $1 with $(jobs) jobs"
  configure "$@"
  if ! logged "build-$1" cmake --build "$root/.build/$1" -j "$(jobs)" -- -k 0; then
    grep -E 'error:|FAILED:|undefined reference|Killed' "$logs/build-$1.log" | head -n 40 >&2 || true
    say "the $1 build is broken; its log is .build/logs/build-$1.log"
    broken=1
  fi
  say "built $1 in $((SECONDS - start)) s"
}
build tests
# By the other compiler, where there is one.
for version in "${clangs[@]#clang-}"; do
  if installed "clang-$version" && installed "libclang-rt-$version-dev"; then
    clang=-DCMAKE_CXX_COMPILER=clang++-$version
    break
  fi
done
build sanitize ${clang:+"$clang"}
unlock

# One ctest over both trees, so that there is one summary. Three jobs a core, for many tests mostly wait.
mkdir -p "$root/.build/both"
printf 'subdirs("%s" "%s")\n' "$root/.build/tests" "$root/.build/sanitize" >"$root/.build/both/CTestTestfile.cmake"
say "testing"
ctest --test-dir "$root/.build/both" -j "$((3 * $(env -u OMP_NUM_THREADS nproc)))" --output-on-failure --no-label-summary --timeout 300 "$@" || exit $?
exit $broken
