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
[[ $output == *.gch || $output == *.pch ]] || exec ccache "$@"

"$@"
[[ -n $dependencies ]] || exit 0
# Of a list for make: its first word is the target, and a line that goes on ends with a backslash.
{
  sed -e 's/^[^:]*: *//' -e 's/\\$//' "$dependencies" | xargs -n 500 cat
  "$1" --version
} | sha256sum >"$output.sum"
