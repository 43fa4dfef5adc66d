#!/usr/bin/env bash
# What a strategy costs the one who compiles it: seconds, and bytes of code in the program.
#
#   benchmarks/compile.sh [ROUNDS]        the median of 3 rounds, unless said otherwise
#
# It compiles with the flags of .build/release, and without ccache. Strategies are trained on one model, each in a program of
# its own and then one after the other added to one program.

# shellcheck source=../cmake/bootstrap.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmake/bootstrap.sh"

rounds=${1:-3}
lock
bootstrap
configure release
step build-core cmake --build "$root/.build/release" -j "$(jobs)" --target ashlar_core ashlar_pch 01_one_process
unlock
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CCACHE_DISABLE=1

# The build's own commands for one of its programs, for another source.
command_of() {
  ninja -C "$root/.build/release" -t commands 01_one_process | grep "$1" | tail -n 1 | sed -E 's/^: && //; s/ && :$//'
}
compile=$(command_of ' -c .*01_one_process.cpp' | sed -E 's/ -MD//; s/ -M[TF] [^ ]*//g; s/ -o [^ ]* -c [^ ]*$//')
link=$(command_of ' -o examples/01_one_process')

# program NAME HEADERS STRATEGY...: a program that trains a GPT with each strategy.
program() {
  local name=$1 headers=$2 strategy
  shift 2
  {
    printf '#include <ashlar/ashlar.hpp>\n#include <ashlar/comm/solo.hpp>\n#include <ashlar/models/gpt.hpp>\n'
    for header in $headers; do printf '#include <ashlar/%s.hpp>\n' "$header"; done
    printf 'using namespace ashlar;\nusing Gpt = models::Gpt<models::GptShape{.layers = 4}>;\n'
    printf 'template <class Strategy>\nvoid train(const Tensor& ids) {\n  comm::Solo world;\n'
    printf '  auto trainer = Strategy::template make<Gpt>(world, optim::AdamW{});\n  trainer.step(ids, ids);\n}\n'
    printf 'int main() {\n  const Tensor ids = at::zeros({2, 8}, at::kLong);\n'
    for strategy in "$@"; do printf '  train<Trainer<%s>>(ids);\n' "$strategy"; done
    printf '}\n'
  } >"$work/$name.cpp"
}

# seconds COMMAND...: the median of all rounds.
seconds() {
  local times=() start round
  for ((round = 0; round < rounds; ++round)); do
    start=$EPOCHREALTIME
    (cd "$root/.build/release" && eval "$*") >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
    times+=("$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }')")
  done
  printf '%s\n' "${times[@]}" | sort -n | sed -n "$(((rounds + 1) / 2))p"
}

# row NAME: compiles and links NAME.cpp, and prints what that took.
row() {
  local took
  took=$(seconds "$compile -o $work/$1.o -c $work/$1.cpp")
  (cd "$root/.build/release" && eval "$(sed "s#[^ ]*01_one_process.cpp.o#$work/$1.o#; s#-o examples/01_one_process#-o $work/$1#" <<<"$link")")
  printf '%-58s %8s s %10s bytes of code\n' "$2" "$took" "$(size "$work/$1" | awk 'END { print $1 }')"
}

grep -m 1 'model name' /proc/cpuinfo
c++ --version | head -n 1

printf '\nto compose and check strategies, without LibTorch\n'
cat >"$work/compose.cpp" <<'CPP'
#include <ashlar/models/gpt.hpp>
#include <ashlar/policies.hpp>
#include <ashlar/trainer.hpp>
using namespace ashlar;
using Gpt = models::Gpt<models::gpt2>;
template <class Shard>
using Strategy = Trainer<Shard, precision::Bf16Mixed, offload::None, wrap::Each<Gpt::Block>, checkpoint::Recompute>;
static_assert(sizeof(Strategy<shard::Replicate>) + sizeof(Strategy<shard::Zero1>) + sizeof(Strategy<shard::Zero2>) +
                  sizeof(Strategy<shard::ShardGradOp>) + sizeof(Strategy<shard::Zero3>) == 5);
CPP
took=$(seconds "c++ -std=c++20 -I$root/include -I$root/policies -fsyntax-only $work/compose.cpp")
printf '%-58s %8s s\n' "five strategies" "$took"

printf '\nto train a GPT, with the precompiled header\n'
each="Fp32, offload::None, wrap::Each<Gpt::Block>"
all="shard::Zero3, precision::$each"
program alone "shard/zero3 precision/fp32 offload/none wrap/each checkpoint/none" "$all"
row alone "Zero3, its own headers only"
for strategy in "shard::Replicate, precision::$each" "shard::Zero1, precision::$each" "shard::Zero2, precision::$each" \
  "shard::ShardGradOp, precision::$each" "$all" "shard::Zero3, precision::Bf16Mixed, offload::None, wrap::Each<Gpt::Block>" \
  "shard::Zero3, precision::Bf16Pure, offload::None, wrap::Each<Gpt::Block>" \
  "shard::Zero3, precision::Fp32, offload::None, wrap::WholeModel" "shard::Zero3, precision::Fp32, offload::None, wrap::BySize<1000>" \
  "$all, checkpoint::Recompute"; do
  program one policies "$strategy"
  row one "<$(sed -E 's/(shard|precision|offload|wrap|checkpoint):://g' <<<"$strategy")>"
done
list=("$all")
for more in "shard::Zero1, precision::$each" "$all, checkpoint::Recompute" "shard::Zero3, precision::Bf16Mixed, offload::None, wrap::WholeModel"; do
  list+=("$more")
  program several policies "${list[@]}"
  row several "${#list[@]} strategies in one file"
done
