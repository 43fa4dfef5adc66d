#!/usr/bin/env bash
# The code, tables and errors in the documents are those of the sources. To make them anew:
#
#   tests/readme/blocks.sh --update

set -euo pipefail
cd "$(dirname "$0")/../.."
if [[ -n ${ASHLAR_BUILD_DIR:-} ]]; then
  ASHLAR_INCLUDES=$(sed -n 's|^ASHLAR_BOOST_INCLUDE:[^=]*=||p' "$ASHLAR_BUILD_DIR/CMakeCache.txt" | grep -vx /usr/include || true)
  export ASHLAR_INCLUDES
fi
temporary=$(mktemp)
trap 'rm -f "$temporary"' EXIT
status=0
for document in README.md include/ashlar/README.md policies/ashlar/README.md; do
  perl tests/readme/blocks.pl "$document" >"$temporary"
  if [[ ${1:-} == --update ]]; then
    cat "$temporary" >"$document"
  elif ! diff -u "$document" "$temporary"; then
    status=1
  fi
done
((status == 0)) || echo "a block of a document differs from its source: change the source, then run tests/readme/blocks.sh --update"
exit $status
