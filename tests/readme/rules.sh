#!/usr/bin/env bash
# Every rule that the compiler checks has a pair in tests/compile_fail and a row in README.md, and every id means one
# thing: no sentence of the compiler shares its id with an error of the run.

set -euo pipefail
cd "$(dirname "$0")/../.."
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

printf '<!-- rules -->\n<!-- end -->\n' >"$temporary/empty.md"
perl tests/readme/blocks.pl "$temporary/empty.md" | sed -nE 's/^\| ([a-z]+\.[0-9]+) \|.*/\1/p' | sort >"$temporary/code"
sed -nE '1s|^// expect-error: \[ashlar\.([a-z]+\.[0-9]+)\].*|\1|p' -s tests/compile_fail/*.cpp | sort -u >"$temporary/pairs"
sed -nE 's/^\| ([a-z]+\.[0-9]+) \|.*/\1/p' README.md | sort >"$temporary/readme"
grep -rhoE --include='*.[ch]pp' --include='*.cu' '"[a-z]+\.[0-9]+"' include | tr -d '"' | sort -u >"$temporary/errors"
[[ -s $temporary/code && -s $temporary/errors ]] || { echo "no rules or no errors were found in the headers"; exit 1; }

status=0
diff "$temporary/code" "$temporary/pairs" || { echo "the rules in the headers (<) are not those of tests/compile_fail (>)"; status=1; }
diff "$temporary/code" "$temporary/readme" || { echo "the rules in the headers (<) are not those of README.md (>)"; status=1; }
twice=$(comm -12 "$temporary/code" "$temporary/errors")
[[ -z $twice ]] || { echo "ids of both a compile-time rule and a run-time error: $twice"; status=1; }
exit $status
