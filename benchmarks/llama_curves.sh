#!/usr/bin/env bash
# Trains the Llama of 162 million parameters for 300 steps on the bundled text, from the same weights on the same batches: with
# Ashlar replayed and launched, and with PyTorch's FSDP2 eager and compiled. Prints how far their losses are from one another,
# and draws them. Then trains twice more with Ashlar, replayed and launched, by deterministic kernels alone.
#
#   benchmarks/llama_curves.sh [GPUS [STEPS [FILE.svg]]]     1 GPU, 300 steps and no picture, unless said otherwise
#
# Needs what llama.sh needs. The two of FSDP2 differ in the order in which they round, as do the two of Ashlar, and in nothing
# else: so far apart are runs that are the same training. Fails if Ashlar is further from FSDP2 than twice that or than 2 % of
# the loss, if a loss of the two deterministic runs differs in one bit, or if a step that was to be replayed was launched. Takes
# at least 3 steps, of which the third is the first that is replayed.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
gpus=${1:-1} steps=${2:-300} picture=${3:-}
[[ $steps =~ ^[0-9]+$ ]] && ((steps >= 3)) || { echo "error: expected at least 3 steps, not '$steps'" >&2 && exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
launch() { bash "$root/cmake/launch.sh" --gpus "$gpus" "$@"; }
ashlar() {
  launch "$root/.build/cuda/benchmarks/bench_llama" --size 162m --sequences 4 --tokens 1024 --steps "$steps" \
    --start "$work/start.safetensors" --weights "$@"
}
{
  ashlar
  ashlar --eager
  launch python3 "$root/benchmarks/llama_fsdp2.py" 162m "$work/start.safetensors"
  launch python3 "$root/benchmarks/llama_fsdp2.py" 162m "$work/start.safetensors" --compile
  ashlar --deterministic
  ashlar --deterministic --eager
} >"$work/seen.jsonl"

python3 - "$work/seen.jsonl" "$picture" <<'PYTHON'
import json, statistics, sys

names = "Ashlar, replayed", "Ashlar, launched", "FSDP2", "FSDP2, compiled"
*runs, replayed, launched = (json.loads(line) for line in open(sys.argv[1]))
curves = {name: run["losses"] for name, run in zip(names, runs, strict=True)}
steps = len(curves["FSDP2"])
print("loss at step       " + "".join(f"{name:>18s}" for name in names))
for step in sorted({0, *range(49, steps, 50), steps - 1}):
    print(f"{step + 1:12d}       " + "".join(f"{curves[name][step]:18.5f}" for name in names))

def apart(a, b):
    return [abs(x - y) / y for x, y in zip(curves[a], curves[b])]

print("\nhow far from one another, of the loss        mean of all steps   most")
seen = {}
for a, b in (names[0], names[1]), (names[3], names[2]), (names[0], names[2]), (names[0], names[3]):
    distances = apart(a, b)
    seen[a, b] = sum(distances) / steps
    print(f"{a:>18s} and {b:18s} {seen[a, b]:20.2e} {max(distances):9.2e}")
if sys.argv[2]:
    width, height, left, top = 640, 320, 60, 20
    least, most = min(min(c) for c in curves.values()), max(max(c) for c in curves.values())
    colours = "#4878a8", "#70a0d0", "#a86848", "#d8a078"
    with open(sys.argv[2], "w") as out:
        print(f"<svg xmlns='http://www.w3.org/2000/svg' width='{left + width + 20}' height='{top + height + 40}'"
              " font-family='sans-serif' font-size='13'>\n<rect width='100%' height='100%' fill='white'/>", file=out)
        place = lambda i, loss: (left + width * i / (steps - 1), top + height * (most - loss) / (most - least))
        for loss in range(int(least) + 1, int(most) + 1):
            y = place(0, loss)[1]
            print(f"<path d='M{left} {y:.1f}h{width}' stroke='#ddd'/><text x='30' y='{y + 4:.1f}'>{loss}</text>", file=out)
        for i, (name, colour) in enumerate(zip(names, colours)):
            points = " ".join("{:.1f},{:.2f}".format(*place(*at)) for at in enumerate(curves[name]))
            dashes = f" stroke-dasharray='{4 + 4 * i} {4 * i}'" if i else ""
            print(f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='1.5'{dashes}/>", file=out)
            print(f"<text x='{left + width - 150}' y='{top + 20 + 18 * i}' fill='{colour}'>{name}</text>", file=out)
        print(f"<text x='{left + width // 2 - 60}' y='{top + height + 30}'>{steps} steps: loss</text>\n</svg>", file=out)
same = sum(a == b for a, b in zip(replayed["losses"], launched["losses"], strict=True))
ms = [statistics.median(run["seconds"][steps // 2:]) * 1e3 for run in (runs[0], runs[1], replayed, launched)]
print(f"\nby deterministic kernels, losses that are the same bits replayed and launched: {same} of {steps}")
print("a step, replayed and launched: {:.2f} and {:.2f} ms, and {:.2f} and {:.2f} by deterministic kernels".format(*ms))
same_training = max(seen[names[0], names[1]], seen[names[3], names[2]])
if not seen[names[0], names[2]] <= min(2 * same_training, 2e-2):
    sys.exit("error: Ashlar is further from FSDP2 than twice what either is from itself, or than 2 %")
if [run["replayed"] for run in (runs[0], runs[1], replayed, launched)] != [True, False, True, False]:
    sys.exit("error: the steps that were to be replayed were launched, or the other way round")
if same != steps:
    sys.exit("error: a replayed step is not the launched step")
PYTHON
