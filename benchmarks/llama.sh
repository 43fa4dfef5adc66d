#!/usr/bin/env bash
# Measures Ashlar on GPUs beside PyTorch's FSDP2, eager and compiled, and beside the limit that the libraries' kernels set: the
# same Llama on the same batches, run in turn. Prints a table for each size.
#
#   benchmarks/llama.sh [GPUS [ROUNDS [SIZE,SEQUENCES,TOKENS[,recompute]]...]]     1 GPU and 3 rounds, unless said otherwise
#
# Needs bench_llama (cmake --preset cuda, then cmake --build .build/cuda --target bench_llama) and a python3 that has the same
# PyTorch.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
gpus=${1:-1} rounds=${2:-3}
shift $(($# < 2 ? $# : 2))
works=("$@")
((${#works[@]})) || works=(1.5b,4,4096 162m,4,1024)
steps=12 warmup=5 rate=1e-5  # a rate at which the first steps of a large model, without warm-up, do not diverge
export PYTORCH_ALLOC_CONF=expandable_segments:True  # for both: what was freed is of use for any size

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
launch() { bash "$root/cmake/launch.sh" --gpus "$gpus" "$@"; }

nvidia-smi --query-gpu=name,driver_version --format=csv,noheader | head -n 1
python3 -c 'import torch; print(f"PyTorch {torch.__version__}, NCCL {torch.cuda.nccl.version()}, cuDNN {torch.backends.cudnn.version()}")'
for each in "${works[@]}"; do
  IFS=, read -r size sequences tokens recompute <<<"$each"
  start=$work/$each.safetensors seen=$work/$each.jsonl
  flags=(${recompute:+--recompute})
  python3 "$root/benchmarks/llama_limit.py" "$size" "$sequences" "$tokens" "$gpus" >"$seen"
  for ((round = 0; round < rounds; ++round)); do
    launch "$root/.build/cuda/benchmarks/bench_llama" --size "$size" --sequences "$sequences" --tokens "$tokens" \
      --steps "$steps" --rate "$rate" --start "$start" "${flags[@]}" >>"$seen"
    launch python3 "$root/benchmarks/llama_fsdp2.py" "$size" "$start" --rate "$rate" "${flags[@]}" >>"$seen"
    launch python3 "$root/benchmarks/llama_fsdp2.py" "$size" "$start" --rate "$rate" --compile "${flags[@]}" >>"$seen"
  done
  printf '\nLlama %s, %s sequences of %s tokens a GPU, %s GPU%s%s\n' "$size" "$sequences" "$tokens" "$gpus" \
    "$( ((gpus > 1)) && echo s)" "${recompute:+, each block recomputed}"
  python3 - "$seen" "$warmup" "$((sequences * tokens))" <<'PYTHON'
import json, statistics, sys

runs = [json.loads(line) for line in open(sys.argv[1])]
warmup, tokens = int(sys.argv[2]), int(sys.argv[3])
limit = runs.pop(0)
median = lambda run: statistics.median(run["seconds"][warmup:])
ours = [run for run in runs if run["name"] == "Ashlar"]
print("                  ms a step   tokens/s a GPU   of the limit     MFU   peak GB   Ashlar is faster by, each round")
for name in dict.fromkeys(run["name"] for run in runs):
    these = [run for run in runs if run["name"] == name]
    ms = statistics.median(map(median, these)) * 1e3
    mfu = limit["operations"] / ms * 1e3 / 989.5e12
    ratios = " ".join(f"{median(b) / median(a):.3f}" for a, b in zip(ours, these, strict=True))
    print(f"{name:16s} {ms:10.2f} {tokens / ms * 1e3:16.0f} {limit['total_ms'] / ms:14.3f} {mfu:7.3f}"
          f" {max(run['peak_gb'] for run in these):9.2f}   {ratios if name != 'Ashlar' else ''}")
parts = ", ".join(f"{key} {limit[key + '_ms']:.2f}" for key in ("products", "attention", "memory"))
print(f"limit            {limit['total_ms']:10.2f} {tokens / limit['total_ms'] * 1e3:16.0f}     ({parts} ms)", flush=True)
# Weights of the same law, and not the same: they start alike and get as far, on ways of their own.
for run in runs:
    for step in 0, -1:
        a, b = run["losses"][step], ours[0]["losses"][step]
        if not abs(a - b) <= 0.03 * b:  # nor if one is not a number
            sys.exit(f"error: the losses differ, {run['losses']} and {ours[0]['losses']}: this is not one training")
PYTHON
done
