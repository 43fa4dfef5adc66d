# Sourced by the scripts beside it: the main job, run as a user runs it, in a directory of its own.
# shellcheck shell=bash disable=SC2034

set -uo pipefail
program=$ASHLAR_BUILD_DIR/examples/train_gpt
text=$ASHLAR_SOURCE_DIR/examples/data/kjv.txt
[[ -x $program ]] || { echo "SKIP: this build is without examples/train_gpt"; exit 77; }
if grep -q '^ASHLAR_WITH_CUDA:[A-Z]*=ON' "$ASHLAR_BUILD_DIR/CMakeCache.txt"; then
  echo "SKIP: this test starts its processes with mpirun, and this build's train_gpt wants a GPU for each"
  exit 77
fi
work=$(mktemp -d)
trap 'end_all; rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
log=log                   # what a run said
export EXITS=$work/exits  # and with what each rank ended
brief=(--batch 4 --eval-every 1000 --sample 0) # a step of a fraction of a second

fail() {
  printf 'FAILED: %s\n' "$*"
  failures=$((failures + 1))
}

finish() {
  local number case
  wait
  for ((number = 1; number <= cases; ++number)); do
    case=cases/$number
    cat $case/said
    [[ -f $case/passed ]] || failures=$((failures + 1))
  done
  ((failures == 0)) && echo "all passed"
  exit $((failures > 0))
}

# meanwhile COMMAND...: one of the checks below, beside others, because a job that fails spends its time waiting.
cases=0
meanwhile() {
  local directory=cases/$((++cases))
  while (($(jobs -rp | wc -l) >= 6)); do wait -n; done
  mkdir -p "$directory"
  (
    trap - EXIT
    log=$directory/log EXITS=$work/$directory/exits failures=0
    "$@" >"$directory/said" 2>&1
    ((failures > 0)) || touch "$directory/passed"
  ) &
}

# Notes each rank's exit status in $EXITS/<rank>, and passes it on. FILE_KIB limits the size of the files it writes.
cat >rank.sh <<'RANK'
[[ -z ${FILE_KIB:-} ]] || { trap '' XFSZ; ulimit -f "$FILE_KIB"; }
trap 'true' TERM # the program gets it, too; what it ends with is still to be written down
"$@"
code=$?
echo $code >"$EXITS/${OMPI_COMM_WORLD_RANK:-0}"
exit $code
RANK

# ranks N ARGUMENTS...: train_gpt on N processes, its output in $log. A hang ends after $patience s, with status 124.
patience=60
ranks() {
  local count=$1
  shift
  rm -rf "$EXITS"
  mkdir "$EXITS"
  timeout --kill-after=5 "$patience" mpirun -np "$count" bash rank.sh "$program" "$@" >"$log" 2>&1
}

# train N ARGUMENTS...: the same, which must succeed.
train() {
  ranks "$@" && return
  fail "train_gpt ${*:2} on $1 processes ended with $?:"
  cat "$log"
}

# refused WHAT SENTENCE N ARGUMENTS...: a run on N processes that must end within seconds, with this part of a sentence,
# and with a status other than 0 from every rank. ALSO is one more pattern that the output must have.
refused() {
  local what=$1 sentence=$2 count=$3 start=$SECONDS status
  shift 3
  ranks "$count" "$@"
  status=$?
  verdict "$what" "$sentence" $status $((SECONDS - start))
  all_failed "$what" "$count"
}

# all_failed WHAT N: each of N ranks has ended, with a status other than 0.
all_failed() {
  local rank
  for ((rank = 0; rank < $2; ++rank)); do
    [[ -f $EXITS/$rank && $(cat "$EXITS/$rank") != 0 ]] ||
      fail "$1: rank $rank ended with $(cat "$EXITS/$rank" 2>/dev/null || echo 'no status')"
  done
}

# The ranks that mpirun names in $log as those that ended the job, one a line. A rank that is killed says nothing, and the
# others are ended before they can miss it, so it is mpirun that names it to the user:
#   Open MPI 4, a status other than 0   Process name: [[4242,1],0]
#   Open MPI 5, a status other than 0   Process name: [prterun-host-4242@1,0]
#   both, a signal                      process rank 0 with PID 4242 on node host exited on
named_ranks() {
  sed -nE 's/^ *Process name: \[(\[[0-9]+,[0-9]+\]|[^]@]+@[0-9]+),([0-9]+)\]$/\2/p
    s/^.* that process rank ([0-9]+) with PID .*$/\1/p' "$log"
}

# verdict WHAT SENTENCE STATUS SECONDS: judges $log; an empty SENTENCE asks for none. NAMED is the one rank that mpirun
# must name.
verdict() {
  local before=$failures
  ((${3} != 0)) || fail "$1: the job succeeded"
  ((${3} != 124 && ${3} != 137)) || fail "$1: the job hung"
  (($4 <= 20)) || fail "$1: took $4 s to end"
  grep -qF -- "$2" "$log" || fail "$1: its output lacks '$2'"
  [[ -z ${ALSO:-} ]] || grep -q -- "$ALSO" "$log" || fail "$1: its output lacks '$ALSO'"
  [[ -z ${NAMED:-} || $(named_ranks) == "$NAMED" ]] ||
    fail "$1: its output names '$(named_ranks | paste -s -d ' ')' where rank $NAMED was killed"
  [[ -z $(ours) ]] || fail "$1: processes are left behind"
  if ((failures > before)); then
    cat "$log"
  else
    printf 'ok: %s%s%s\n' "$1" "${2:+: $(grep -F -m 1 -- "$2" "$log")}" "${NAMED:+: mpirun names rank $NAMED}"
  fi
}

# The present case's processes; all of this test's with an argument.
ours() {
  local process
  for process in /proc/[0-9]*; do
    [[ $(readlink "$process/exe" 2>/dev/null) == "$(readlink -f "$program")" ]] &&
      tr '\0' '\n' 2>/dev/null <"$process/environ" | grep -q "^EXITS=${1:-$EXITS\$}" && echo "${process#/proc/}"
  done
}

end_all() {
  local left
  left=$(ours "$work")
  # shellcheck disable=SC2086
  [[ -z $left ]] || kill -9 $left 2>/dev/null
}
