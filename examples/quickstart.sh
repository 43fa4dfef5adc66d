#!/usr/bin/env bash
# Trains a small GPT on real text, its parameters sharded with Zero3, from a bare machine on: installs what is missing,
# builds, runs. Where there are NVIDIA GPUs it starts one process a GPU.
#
#   examples/quickstart.sh [--text FILE] [--processes N] [--steps N] [--resume] [what else train_gpt takes]

# shellcheck source=../cmake/bootstrap.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/bootstrap.sh"

gpu_count=$(gpus)
processes=$((gpu_count > 0 ? gpu_count : 2))
text=$root/examples/data/kjv.txt
arguments=()
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) sed -n 's/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed -n 2,5p; exit 0 ;;
    --processes=*) set -- --processes "${1#*=}" "${@:2}"; continue ;;
    --text=*) set -- --text "${1#*=}" "${@:2}"; continue ;;
    --processes)
      [[ ${2:-} =~ ^[1-9][0-9]{0,4}$ ]] || die "--processes takes a number of processes from 1 on, got '${2:-nothing}'"
      processes=$2
      shift ;;
    --text)
      [[ -n ${2:-} ]] || die "--text takes the path of a text file, got nothing"
      text=$2
      shift ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
[[ -f $text && -r $text ]] || die "the text '$text' is not a readable file"
((gpu_count == 0 || processes <= gpu_count)) ||
  die "--processes $processes asks for one GPU a process, and this machine has $gpu_count"

lock
bootstrap
start=$SECONDS
say "building train_gpt with $(jobs) jobs"
configure release
step build-train_gpt cmake --build "$root/.build/release" -j "$(jobs)" --target train_gpt
say "built in $((SECONDS - start)) s"
unlock

program=$root/.build/release/examples/train_gpt
if ((gpu_count > 0)); then
  exec bash "$root/cmake/launch.sh" "$processes" "$program" --text "$text" "${arguments[@]}"
fi
set -a
# shellcheck source=../cmake/mpi.env
source "$root/cmake/mpi.env"
set +a
# mpirun hands its processes a terminal without a width; this says that a person watches one.
[[ -t 1 ]] && ASHLAR_COLUMNS=$(tput cols 2>/dev/null || echo 80) && export ASHLAR_COLUMNS
exec mpirun -np "$processes" "$program" --text "$text" "${arguments[@]}"
