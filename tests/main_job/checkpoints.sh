#!/usr/bin/env bash
# A checkpoint that does not fit or is damaged is refused by every rank with a sentence that names the part.
# timeout: 600
# cost: 30

# shellcheck source=harness.bash
source "$(dirname "$0")/harness.bash"

train 2 --text "$text" --out good --steps 2 --save-every 1 "${brief[@]}"
last=step-00000002
flip() { # FILE OFFSET
  python3 -c 'import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2])); byte = file.read(1)[0]; file.seek(int(sys.argv[2])); file.write(bytes([byte ^ 1]))' "$@"
}

# fresh: a copy of the good run, in $run, with the latest checkpoint in $home.
copies=0
fresh() {
  run=run.$((++copies))
  home=$run/$last
  mkdir "$run"
  cp -r good/settings.ini good/metrics.jsonl "good/$last" "$run"
}
resume() { meanwhile refused "$1" "$2" "${3:-2}" --resume --out "$run" --steps 3 "${@:4}"; }

fresh
resume "one process instead of two" "a checkpoint of 1 processes" 1
resume "three processes instead of two" "a checkpoint of 3 processes" 3 --batch 6
resume "another seed" "seed 2" 2 --seed 2

for rank in 0 1; do
  file=rank-0000$rank-of-00002.safetensors
  size=$(stat -c %s "good/$last/$file")
  fresh && flip "$home/$file" $((size / 2))
  ALSO="'[^']*/\(master\|exp_avg\|exp_avg_sq\)'" resume "a flipped bit in rank $rank's data" "[ashlar.state.9]"
  fresh && flip "$home/$file" 20
  resume "a flipped bit in rank $rank's head" "[ashlar.state.8]"
  fresh && truncate -s $((size - 100)) "$home/$file"
  resume "a file of rank $rank that ends early" "$file'"
  fresh && rm "$home/$file"
  resume "no file of rank $rank" "$file'"
done
fresh && flip "$home/manifest.json" 30
resume "a flipped bit in the manifest" "[ashlar.state.4]"
fresh && rm "$home/manifest.json"
resume "no manifest" "manifest.json'"

# Without the damaged one the checkpoint before it is the latest, and whole.
wait
rm -r "good/$last"
train 2 --resume --out good --steps 3
grep -q "resumed at step 1" log || fail "the earlier checkpoint was not taken"
cp good/settings.ini before
refused "fewer steps than are done" "[ashlar.options.4]" 2 --resume --out good --steps 2
cmp good/settings.ini before || fail "a refused run has changed the settings"
finish
