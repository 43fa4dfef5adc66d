#!/usr/bin/env bash
# Every policy's card has all rows in their order, names an example that names the policy, and its formulas are those
# that tests/static/plan.test.cpp checks. The tests train with it.

set -euo pipefail
cd "$(dirname "$0")/../.."
rows="also known as,each rank keeps,each step sends,needs,composes with,choose another,shown by"
status=0
wrong() { echo "$1"; status=1; }

for policy in policies/ashlar/*/*.hpp; do
  card=$(sed '/^[^/]/,$d' "$policy")
  found=$(sed -nE 's|^//   ([a-z ]{16}) .*|\1|p' <<<"$card" | sed -E 's/ +$//' | paste -sd,)
  [[ $found == "$rows" ]] || wrong "$policy: the card has the rows '$found'"
  name=$(sed -nE '1s|^// ([A-Za-z0-9]+).*|\1|p' <<<"$card")
  example=$(sed -nE 's|^//   shown by +||p' <<<"$card")
  if [[ ! -f $example ]]; then
    wrong "$policy: shown by '$example', which does not exist"
  elif [[ $name != None ]] && ! grep -q "::$name\b" "$example"; then
    wrong "$policy: $example does not name $name"
  fi
  case $policy in
    */shard/* | */precision/*)
      for row in "each rank keeps" "each step sends"; do
        line=$(grep -F "//   $row" <<<"$card")
        grep -qxF -- "$line" <(grep -A 2 -x "// $name" tests/static/plan.test.cpp) ||
          wrong "$policy: tests/static/plan.test.cpp does not check: $line"
      done ;;
  esac
  axis=$(basename "$(dirname "$policy")")
  grep -q "\b$axis::$name\b" tests/support/policies.hpp ||
    wrong "$policy: tests/support/policies.hpp does not list $axis::$name, so that no test trains with it"
  grep -qF "<ashlar/${policy#policies/ashlar/}>" policies/ashlar/policies.hpp || wrong "policies.hpp does not include $policy"
done
exit $status
