#!/usr/bin/env bash
# Measures Ashlar on the CPU: against the plain loop, between its own strategies, and beside PyTorch's FSDP2. What is compared
# runs in turn, trains on the same weights and batches, and must have the same losses.
#
#   benchmarks/run.sh [ROUNDS [PROCESSES]]        5 rounds and 2 processes, unless said otherwise
#
# PyTorch comes from PyPI (4.6 GB, into .deps/fsdp2), in the version of LibTorch that Ashlar is built with.

# shellcheck source=../cmake/bootstrap.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/bootstrap.sh"

rounds=${1:-5} processes=${2:-2} steps=14 warmup=4
lock
bootstrap
if [[ ! -f $root/.deps/fsdp2/.stamp ]]; then
  say "PyTorch $torch_version: installing into .deps/fsdp2"
  rm -rf "$root/.deps/fsdp2"
  step fsdp2 python3 -m pip install --quiet --no-input --disable-pip-version-check --target "$root/.deps/fsdp2" \
    "torch==$torch_version" numpy
  touch "$root/.deps/fsdp2/.stamp"
fi
configure release
step build-benchmarks cmake --build "$root/.build/release" -j "$(jobs)" --target bench_overhead bench_sharding bench_fsdp2
unlock

set -a
# shellcheck source=../cmake/mpi.env
source "$root/cmake/mpi.env"
set +a
cores=$(env -u OMP_NUM_THREADS nproc)
export OMP_NUM_THREADS=$((cores > processes ? cores / processes : 1))

programs=$root/.build/release/benchmarks
grep -m 1 'model name' /proc/cpuinfo
echo "$cores cores, $processes processes, $rounds rounds, LibTorch $torch_version, $(c++ --version | head -n 1)"

printf '\nthe plain loop and Trainer<Replicate, Fp32, None, WholeModel> in one process\n'
OMP_NUM_THREADS=$cores "$programs/bench_overhead" $((rounds * 8))
printf '\nTrainer<..., Fp32, None, Each<Block>>, 10 million parameters\n'
mpirun -np "$processes" "$programs/bench_sharding" $((rounds * 2))

printf '\nTrainer<Zero3, Fp32, None, Each<Block>> and FSDP2 (fully_shard on each block, Gloo), 10 million parameters\n'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for sequences in 1 2 8; do
  start=$work/$sequences.safetensors seen=$work/$sequences.jsonl
  for ((round = 0; round < rounds; ++round)); do
    mpirun -np "$processes" "$programs/bench_fsdp2" "$start" "$steps" "$sequences" >>"$seen"
    PYTHONPATH=$root/.deps/fsdp2 bash "$root/cmake/launch.sh" "$processes" \
      python3 "$root/benchmarks/fsdp2.py" "$start" "$steps" >>"$seen"
  done
  python3 - "$seen" "$warmup" "$sequences" <<'PYTHON'
import json, statistics, sys

runs = [json.loads(line) for line in open(sys.argv[1])]
warmup, sequences = int(sys.argv[2]), int(sys.argv[3])
ours, theirs = ([r for r in runs if r["name"] == name] for name in ("Ashlar", "FSDP2"))
for a, b in zip(ours[0]["losses"], theirs[0]["losses"], strict=True):
    if abs(a - b) > 1e-4 * abs(a):
        sys.exit(f"error: the losses differ, {ours[0]['losses']} and {theirs[0]['losses']}: this is not one training")
median = lambda run: statistics.median(run["seconds"][warmup:])
ratios = [median(b) / median(a) for a, b in zip(ours, theirs, strict=True)]
if sequences == 1:
    print("tokens a rank   Ashlar ms   FSDP2 ms   FSDP2/Ashlar, each round     median   peak MB of each")
print(f"{sequences * 256:13d} {statistics.median(map(median, ours)) * 1e3:11.1f}"
      f" {statistics.median(map(median, theirs)) * 1e3:10.1f}   {' '.join(f'{r:.2f}' for r in ratios):28s}"
      f" {statistics.median(ratios):6.2f}   {ours[-1]['peak_mb']:.0f} {theirs[-1]['peak_mb']:.0f}", flush=True)
PYTHON
done
