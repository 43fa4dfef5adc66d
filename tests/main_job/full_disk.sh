#!/usr/bin/env bash
# A disk that fills up while a checkpoint is written: one sentence, every rank ends, and the checkpoint before it is as
# good as it was. The disk is a small tmpfs; where none may be mounted, a limit on the size of files.
# timeout: 300

# shellcheck source=harness.bash
source "$(dirname "$0")/harness.bash"

mkdir small
if mount -t tmpfs -o size=24m tmpfs small 2>/dev/null; then
  trap 'end_all; umount "$work/small"; rm -rf "$work"' EXIT
  refused "a full disk" "No space left on device" 2 --text "$text" --out small/run --steps 4 --save-every 1 "${brief[@]}"
  grep -q "saved small/run/step-00000001" log || fail "the first checkpoint was not saved: the disk is too small for this test"
else
  echo "SKIP: a full disk: no tmpfs may be mounted here"
  train 2 --text "$text" --out small/run --steps 1 "${brief[@]}"
fi
grep -q "step-00000001/manifest.json" <(find small) || fail "the earlier checkpoint is gone"
[[ -z $(find small -name '.step-*') ]] || fail "what was written of the later one still takes space"

mkdir room
cp -r small/run room/run
train 2 --resume --out room/run --steps 2 --sample 0
grep -q "resumed at step 1" log || fail "the earlier checkpoint was not taken"

# Another limit, which the system tells by a signal, too; a program that does not ignore that is ended by it.
FILE_KIB=7000 refused "a limit on the size of files" "File too large" 2 --resume --out room/run --steps 3 --sample 0
train 2 --resume --out room/run --steps 3 --sample 0
grep -q "resumed at step 2" log || fail "the earlier checkpoint was not taken"
finish
