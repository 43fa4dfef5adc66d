#!/usr/bin/env bash
# Every file that a document links to or tells to read exists, and so does every example that a card names.

set -euo pipefail
cd "$(dirname "$0")/../.."
status=0
missing() { echo "$1 names $2, which does not exist"; status=1; }

for document in README.md include/ashlar/README.md policies/ashlar/README.md; do
  links=$(grep -oE '\]\([^)#:]+\)' "$document" | sed -E 's/^\]\(|\)$//g')
  [[ -n $links ]] || { echo "$document links to nothing"; status=1; }
  for link in $links; do
    [[ -e $(dirname "$document")/$link ]] || missing "$document" "$link"
  done
  for path in $(grep -oE '`(include|policies|examples|tests|benchmarks|cmake)/[A-Za-z0-9_./]+`' "$document" | tr -d '`'); do
    [[ -e $path ]] || missing "$document" "$path"
  done
done
reading=$(sed -n '/^## Where things are/,/^## /p' README.md | grep -cE '^[0-9]\. ')
((reading == 6)) || { echo "README.md should name six files to read, and names $reading"; status=1; }
exit $status
