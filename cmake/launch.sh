#!/usr/bin/env bash
# cmake/launch.sh [--gpus] N PROGRAM [ARGUMENTS]: starts N processes on this host, which find each other through RANK,
# WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT. Ends them all when one fails, with its exit status. With --gpus it
# says SKIP, and exits 77, where there are fewer than N GPUs.

set -uo pipefail
needs_gpus=0
if [[ ${1:-} == --gpus ]]; then
  needs_gpus=1
  shift
fi
[[ $# -ge 2 && $1 =~ ^[1-9][0-9]*$ ]] || { echo "usage: launch.sh N PROGRAM [ARGUMENTS]" >&2; exit 2; }
world=$1
shift
if ((needs_gpus)); then
  seen=$(nvidia-smi -L 2>/dev/null | grep -c '^GPU')
  ((seen >= world)) || { echo "SKIP: needs $world GPUs, sees $seen"; exit 77; }
fi

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
export WORLD_SIZE=$world LOCAL_WORLD_SIZE=$world MASTER_ADDR=127.0.0.1
export MASTER_PORT=${MASTER_PORT:-$(free_port)}

children=()
trap 'kill "${children[@]}" 2>/dev/null; exit 130' INT TERM
for ((rank = 0; rank < world; ++rank)); do
  RANK=$rank LOCAL_RANK=$rank "$@" &
  children+=($!)
done

status=0
for ((ended = 0; ended < world; ++ended)); do
  wait -n || { status=$?; break; }
done
if ((status)); then
  # The others get a moment to say what they saw.
  for ((tenth = 0; tenth < 50; ++tenth)); do
    kill -0 "${children[@]}" 2>/dev/null || break
    sleep 0.1
  done
  kill "${children[@]}" 2>/dev/null
  wait
fi
exit "$status"
