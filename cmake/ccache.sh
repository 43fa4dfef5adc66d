#!/usr/bin/env bash
# cmake/ccache.sh ROOT COMPILER ARGUMENTS...: compiles through ccache, in such a way that a clone of ROOT in another
# folder finds what this one has compiled.
#
# A precompiled header holds the paths of its folder, so it is made anew in each. Beside it goes a sum of all that it was
# made from, which ccache takes in its place.

set -euo pipefail
root=$1
shift
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 CCACHE_PCH_EXTSUM=1
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime

output='' dependencies='' previous=''
for argument in "$@"; do
  case $previous in
    -o) output=$argument ;;
    -MF) dependencies=$argument ;;
  esac
  previous=$argument
done
if [[ $output != *.gch && $output != *.pch ]]; then
  # CMake tells clang of a precompiled header by flags whose paths ccache would not make relative: -Xclang -include-pch
  # -Xclang FILE.pch -Xclang -include -Xclang FILE. Clang finds it by FILE alone.
  arguments=()
  while (($# > 0)); do
    if [[ $1 == -Xclang && ${2:-} == -include-pch ]]; then
      shift 4
    elif [[ $1 == -Xclang && ${2:-} == -include ]]; then
      arguments+=(-include "$4")
      shift 4
    else
      arguments+=("$1")
      shift
    fi
  done
  exec ccache "${arguments[@]}"
fi

"$@"
[[ -n $dependencies ]] || exit 0
# Of a list for make: its first word is the target, and a line that goes on ends with a backslash.
{
  sed -e 's/^[^:]*: *//' -e 's/\\$//' "$dependencies" | xargs -n 500 cat
  "$1" --version
} | sha256sum >"$output.sum"
