#!/usr/bin/env bash
# An ordinary LibTorch program becomes a sharded one by at most ten changed lines, each of them marked, with its layers
# untouched; and in one process it prints the same.

set -euo pipefail
cd "$(dirname "$0")/../.."
before=examples/07_torch_module_before.cpp
after=examples/07_torch_module.cpp
code() { grep -vE '^ *(//.*)?$' "$1"; }  # without comment and blank lines
layers() { sed -n '/^struct NetImpl/,/^TORCH_MODULE/p' "$1"; }

changes=$(diff <(code $before) <(code $after) || true)
added=$(grep -c '^>' <<<"$changes")
removed=$(grep -c '^<' <<<"$changes")
marked=$(grep -c '^>.*// changed$' <<<"$changes")
echo "$added lines added or changed, $removed removed or changed"
((added <= 10 && removed <= 10)) || { echo "more than ten changed lines"; exit 1; }
((marked == added && marked == $(grep -c '// changed$' $after))) || { echo "not exactly the changed lines are marked"; exit 1; }
[[ -n $(layers $before) ]] || { echo "$before has no layers"; exit 1; }
diff <(layers $before) <(layers $after) || { echo "the layers differ"; exit 1; }

programs=${ASHLAR_BUILD_DIR:?the build tree with the examples; ctest sets it}/examples
[[ -x $programs/07_torch_module ]] || { echo "SKIP: the examples are not built"; exit 77; }
losses=$("$programs/07_torch_module_before")
grep -q 'step 60  loss' <<<"$losses"
diff <(echo "$losses") <("$programs/07_torch_module") || { echo "the losses differ"; exit 1; }
