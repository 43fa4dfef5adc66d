#!/usr/bin/env bash
# A rank that is killed in mid-run: the others end within seconds, and the output says which it was.

# shellcheck source=harness.bash
source "$(dirname "$0")/harness.bash"

# Starts a run of 2 ranks that would take hours, and waits for its first steps.
start() {
  rm -rf exits runs plain
  mkdir exits
  mpirun -np 2 bash rank.sh "$program" --text "$text" --steps 1000000 "${brief[@]}" >log 2>&1 &
  job=$!
  for ((tenth = 0; tenth < 600; ++tenth)); do
    [[ -f runs/gpt/metrics.jsonl && $(wc -l <runs/gpt/metrics.jsonl) -ge 3 ]] && return
    sleep 0.1
  done
  fail "no step in a minute"
  cat log
}

process_of_rank() {
  local process
  for process in $(ours); do
    tr '\0' '\n' <"/proc/$process/environ" | grep -qx "OMPI_COMM_WORLD_RANK=$1" && echo "$process"
  done
}

# ends WHAT SENTENCE: what was started ends by itself, in half a minute at the latest.
ends() {
  local begin=$SECONDS status
  rm -f hung
  (
    sleep 30
    touch hung
    kill -9 "$job"
  ) &>/dev/null &
  local patience=$!
  wait "$job"
  status=$?
  kill $patience
  [[ ! -f hung ]] || fail "$1: the job hung"
  verdict "$1" "$2" $((status != 0)) $((SECONDS - begin))  # mpirun passes on a killed rank's 137
}

for rank in 0 1; do
  for signal in KILL TERM; do
    start
    kill -$signal "$(process_of_rank $rank)"
    # rank.sh passes on a signal's number as a shell does; without it in between mpirun says "exited on signal".
    ends "SIG$signal to rank $rank" "],$rank]"
    other=$((1 - rank))
    [[ -f exits/$other && $(cat exits/$other) != 0 ]] || fail "rank $other ended well"
  done
done

# The same without anything between mpirun and the program.
mpirun -np 2 "$program" --text "$text" --steps 1000000 --out plain "${brief[@]}" >log 2>&1 &
job=$!
for ((tenth = 0; tenth < 600; ++tenth)); do
  [[ -f plain/metrics.jsonl && $(wc -l <plain/metrics.jsonl) -ge 3 ]] && break
  sleep 0.1
done
kill -KILL "$(process_of_rank 1)"
ends "SIGKILL to rank 1, started by mpirun itself" "process rank 1"

# All ranks are ended when their mpirun is; rank.sh says so.
start
kill -TERM "$job"
ends "SIGTERM to mpirun" "Terminated"
finish
