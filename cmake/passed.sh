#!/usr/bin/env bash
# cmake/passed.sh STAMP FILE... -- COMMAND...: runs a test, unless it passed and nothing has changed since that it could
# see: the files, the sources in a folder, and the command itself. With ASHLAR_RERUN=1 it always runs.

set -uo pipefail
stamp=$1
shift
files=()
while [[ $1 != -- ]]; do
  files+=("$1")
  shift
done
shift
command=$(printf '%q ' "${files[@]}" -- "$@")

# A file that went or came shows in its folder's time. Hidden folders (the build itself, git's own) are not sources.
newer() { find -H "${files[@]}" -type d -name '.?*' -prune -o -newer "$stamp" -print -quit; }
if [[ -z ${ASHLAR_RERUN:-} && -f $stamp && $(<"$stamp") == "$command" && -z $(newer) ]]; then
  echo "nothing has changed since it passed"
  exit 0
fi
rm -f "$stamp"
printf '%s' "$command" >"$stamp.$$" # with the time at which the test begins
trap 'rm -f "$stamp.$$"' EXIT
"$@"
status=$?
((status != 0)) || mv "$stamp.$$" "$stamp"
exit $status
