#!/usr/bin/env bash
# The whole job is killed again and again, at any moment, while it saves after every step. Each time it is resumed, and
# in the end it is the run that was never stopped: the same losses, the same checkpoint to the byte.
# timeout: 600
# cost: 30

# shellcheck source=harness.bash
source "$(dirname "$0")/harness.bash"

steps=60 patience=240 # a slow machine takes 2 minutes for 60 steps and checkpoints
options=(--steps "$steps" --save-every 1 --batch 4 --eval-every 50 --sample 0)
train 2 --text "$text" --out straight "${options[@]}"
LC_ALL=C grep -q '[^[:print:]]' log && fail "progress in a file has control characters" && cat -A log

count() { if [[ -f run/metrics.jsonl ]]; then wc -l <run/metrics.jsonl; else echo 0; fi; }
wait_while() { # at most 20 s
  local tenth
  for ((tenth = 0; tenth < 200; ++tenth)); do
    "$@" || return
    sleep 0.1
  done
}
has_not_stepped() { kill -0 "$job" 2>/dev/null && (($(count) <= before)); }
is_there() { [[ -n $(ours) ]]; }

RANDOM=20 kills=0
for ((round = 0; round < 12; ++round)); do
  resume=()
  compgen -G 'run/step-*' >/dev/null && resume=(--resume)
  before=$(count)
  mpirun -np 2 "$program" --text "$text" --out run "${options[@]}" "${resume[@]}" >log 2>&1 &
  job=$!
  # Most often while it steps and saves, now and then while it starts and reads the checkpoint.
  ((round % 4 == 3)) || wait_while has_not_stepped
  sleep "0.$(printf '%03d' $((RANDOM % (round % 4 == 3 ? 900 : 200))))"
  kill -9 $job 2>/dev/null || break
  end_all
  wait $job 2>/dev/null
  kills=$((kills + 1))
  wait_while is_there
done
wait
resume=()
compgen -G 'run/step-*' >/dev/null && resume=(--resume)
train 2 --text "$text" --out run "${options[@]}" "${resume[@]}"
((kills >= 5)) || fail "only $kills kills: the steps are too fast for this test"

python3 - "$steps" "$kills" <<'PYTHON' || fail "the resumed run is another"
import json, sys
def lines(name):
    return [json.loads(line) for line in open(f"{name}/metrics.jsonl")]
straight, run = lines("straight"), lines("run")
assert [line["step"] for line in run] == list(range(1, int(sys.argv[1]) + 1)), [line["step"] for line in run]
for a, b in zip(straight, run, strict=True):
    for key in "step", "loss", "gradient_norm", "learning_rate", "validation_loss":
        assert a.get(key) == b.get(key), (key, a, b)
print(f"{len(run)} steps after {sys.argv[2]} kills, each once, with the losses of the run that was not stopped")
PYTHON
last=step-$(printf %08d $steps)
for file in straight/"$last"/rank-*; do
  cmp "$file" "run/$last/${file##*/}" || fail "the last checkpoints differ"
done
finish
