#!/usr/bin/env bash
# A disk that fills up while a checkpoint is written: one sentence, every rank ends, and the checkpoint before it is as
# good as it was. The disk is a small tmpfs; where none may be mounted, a limit on the size of files.
# cost: 20

# shellcheck source=harness.bash
source "$(dirname "$0")/harness.bash"

# What one checkpoint and one file of it take, whatever strategy train_gpt is set to; a disk for one and a half.
train 2 --text "$text" --out room/run --steps 1 "${brief[@]}"
checkpoint=$(du -sk room/run/step-00000001 | cut -f 1)
file=$(($(stat -c %s room/run/step-00000001/rank-00000-of-00002.safetensors) / 1024))
mkdir small
if mount -t tmpfs -o "size=$((checkpoint * 3 / 2))k" tmpfs small 2>/dev/null; then
  trap 'end_all; umount "$work/small"; rm -rf "$work"' EXIT
  refused "a full disk" "No space left on device" 2 --text "$text" --out small/run --steps 4 --save-every 1 "${brief[@]}"
  grep -q "saved small/run/step-00000001" log || fail "the first checkpoint was not saved"
else
  echo "SKIP: a full disk: no tmpfs may be mounted here"
  cp -r room/run small/run
fi
rm -rf room
grep -q "step-00000001/manifest.json" <(find small) || fail "the earlier checkpoint is gone"
[[ -z $(find small -name '.step-*') ]] || fail "what was written of the later one still takes space"

mkdir room
cp -r small/run room/run
train 2 --resume --out room/run --steps 2 --sample 0
grep -q "resumed at step 1" log || fail "the earlier checkpoint was not taken"

# Another limit, which the system tells by a signal, too; a program that does not ignore that is ended by it.
FILE_KIB=$((file * 9 / 10)) refused "a limit on the size of files" "File too large" 2 --resume --out room/run --steps 3 --sample 0
train 2 --resume --out room/run --steps 3 --sample 0
grep -q "resumed at step 2" log || fail "the earlier checkpoint was not taken"
finish
