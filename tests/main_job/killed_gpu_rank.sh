#!/usr/bin/env bash
# A rank that is killed while steps are replayed on GPUs: the other, whose GPU waits for it inside a CUDA graph, ends by
# itself within a minute, and says which it was.
# timeout: 600

set -uo pipefail
program=$ASHLAR_BUILD_DIR/examples/train_gpt
text=$ASHLAR_SOURCE_DIR/examples/data/kjv.txt
grep -q '^ASHLAR_WITH_CUDA:[A-Z]*=ON' "$ASHLAR_BUILD_DIR/CMakeCache.txt" || { echo "SKIP: this build is without CUDA"; exit 77; }
(($(nvidia-smi -L 2>/dev/null | grep -c '^GPU') >= 2)) || { echo "SKIP: needs 2 GPUs"; exit 77; }
[[ -x $program ]] || { echo "SKIP: $program is not built"; exit 77; }
work=$(mktemp -d)
trap 'kill -9 "${ranks[@]}" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
export WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 MASTER_ADDR=127.0.0.1

# survives RANK: it is left when the other is killed in mid-run.
survives() {
  local rank tenth begin status lost=$((1 - $1))
  rm -rf runs
  MASTER_PORT=$(free_port)
  export MASTER_PORT
  for rank in 0 1; do
    RANK=$rank LOCAL_RANK=$rank "$program" --text "$text" --steps 1000000 --eval-every 1000000 --save-every 1000000 --sample 0 >"said.$rank" 2>&1 &
    ranks[rank]=$!
  done
  for ((tenth = 0; tenth < 900; ++tenth)); do  # the third step is captured, and all after it are replayed
    [[ -f runs/gpt/metrics.jsonl && $(wc -l <runs/gpt/metrics.jsonl) -ge 20 ]] && break
    sleep 0.1
  done
  begin=$SECONDS
  kill -9 "${ranks[lost]}"
  (
    sleep 60
    kill -9 "${ranks[$1]}"
  ) &>/dev/null &
  local patience=$!
  wait "${ranks[$1]}"
  status=$?
  kill $patience 2>/dev/null
  echo "rank $1 ended with $status, $((SECONDS - begin)) s after rank $lost was killed, and said:"
  cat "said.$1"
  ((tenth < 900 && status != 0 && status != 137)) && grep -q "rank $lost" "said.$1"
}

ranks=()
survives 0 && survives 1 && echo "all passed"
