#!/usr/bin/env bash
# A rank that is killed in mid-run: the others end within seconds, and the output says which it was.
# cost: 20

# shellcheck source=harness.bash
source "$(dirname "$0")/harness.bash"

# The words of the Open MPI that is not installed here are read as well, and as no other rank's.
reads() { # RANK LOG
  log=words
  printf '%b\n' "$2" >words
  [[ $(named_ranks) == "$1" ]] || fail "'$2' names rank '$(named_ranks)', not $1"
  log=log
}
reads 1 '  Process name: [[4242,1],1]\n  Exit code:    137'
reads 1 '   Process name: [prterun-host-4242@1,1]\n   Exit code:    137'
reads 10 'mpirun noticed that process rank 10 with PID 0 on node host exited on signal 9 (Killed).'
reads 10 'prterun noticed that process rank 10 with PID 4242 on node host exited on\nsignal 9 (Killed).'

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

# ends WHAT [RANK]: what was started ends by itself, in half a minute at the latest, and the output names this rank.
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
  NAMED=${2:-} verdict "$1" "" $((status != 0)) $((SECONDS - begin)) # mpirun passes on a killed rank's 137
}

for rank in 0 1; do
  for signal in KILL TERM; do
    start
    kill -$signal "$(process_of_rank $rank)"
    ends "SIG$signal to rank $rank" $rank
    all_failed "SIG$signal to rank $rank" 2
  done
done

# The same without rank.sh, which passes on a signal as an exit status: mpirun sees the signal itself, and has other words.
mpirun -np 2 "$program" --text "$text" --steps 1000000 --out plain "${brief[@]}" >log 2>&1 &
job=$!
for ((tenth = 0; tenth < 600; ++tenth)); do
  [[ -f plain/metrics.jsonl && $(wc -l <plain/metrics.jsonl) -ge 3 ]] && break
  sleep 0.1
done
kill -KILL "$(process_of_rank 1)"
ends "SIGKILL to rank 1, started by mpirun itself" 1

# All ranks are ended when their mpirun is. It may kill rank.sh before that has written a status.
start
kill -TERM "$job"
ends "SIGTERM to mpirun"
! grep -qx 0 exits/* 2>/dev/null || fail "SIGTERM to mpirun: a rank has succeeded"
finish
