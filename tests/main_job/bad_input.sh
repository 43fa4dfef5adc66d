#!/usr/bin/env bash
# Whatever is wrong with what a user gives: one sentence that says so, and every rank ends.
# timeout: 600
# cost: 30

# shellcheck source=harness.bash
source "$(dirname "$0")/harness.bash"

alone() { # WHAT SENTENCE COMMAND...: without mpirun
  local start=$SECONDS what=$1 sentence=$2
  shift 2
  timeout 30 "$@" >"$log" 2>&1
  verdict "$what" "$sentence" $? $((SECONDS - start))
}

meanwhile alone "RANK without WORLD_SIZE" "[ashlar.comm.8]" env RANK=0 "$program" --text "$text"
meanwhile alone "WORLD_SIZE without RANK" "[ashlar.comm.8]" env WORLD_SIZE=2 "$program" --text "$text"
meanwhile alone "a rank outside the world" "[ashlar.comm.9]" env RANK=2 WORLD_SIZE=2 "$program" --text "$text"
meanwhile alone "a world that mpirun did not start" "mpirun -np 2" \
  env RANK=0 WORLD_SIZE=2 LOCAL_RANK=0 "$program" --text "$text"

meanwhile refused "an unknown flag" "--stepz" 2 --text "$text" --stepz 4
meanwhile alone "a word for a number" "--steps" "$program" --text "$text" --steps many
meanwhile alone "no steps" "--steps" "$program" --text "$text" --steps 0
meanwhile refused "no text" "--text FILE" 2
meanwhile alone "text and tokens" "got both" "$program" --text "$text" --tokens "$text"

: >empty
printf 'In the beginning' >short
meanwhile refused "a missing text" "'nowhere.txt'" 2 --text nowhere.txt
meanwhile refused "a directory for a text" "directory" 2 --text /
meanwhile refused "an empty text" "'empty'" 2 --text empty
meanwhile refused "a text too short for a batch" "[ashlar.data.10]" 2 --text short
head -c 8000 "$text" >validation_short
meanwhile refused "a text whose validation part is too short" "[ashlar.data.10]" 2 --text validation_short --batch 16

# A file that may not be read; root may read all, so another user tries.
if [[ $EUID -ne 0 ]]; then
  cp "$text" secret && chmod 000 secret
  meanwhile refused "an unreadable text" "ermission denied" 2 --text secret
elif setpriv --reuid=65534 --clear-groups test -x "$program" 2>/dev/null; then
  chmod 755 "$work"
  cp "$text" secret && chmod 000 secret
  meanwhile alone "an unreadable text" "ermission denied" setpriv --reuid=65534 --clear-groups "$program" --text secret
else
  echo "SKIP: an unreadable text: no user here who may not read everything can run the program"
fi

# llm.c's header: 256 int32 {magic, version, count}, then the ids as uint16; nanoGPT's file is the ids alone.
python3 - <<'PYTHON'
import struct
ids = [i % 256 for i in range(40000)]
head = struct.pack("<256i", 20240520, 1, len(ids), *[0] * 253)
whole = head + struct.pack(f"<{len(ids)}H", *ids)
open("whole.bin", "wb").write(whole)
open("truncated.bin", "wb").write(whole[:-2000])
open("odd.bin", "wb").write(whole[:-1])
open("beyond.bin", "wb").write(whole[:-2] + struct.pack("<H", 256))
open("plain.bin", "wb").write(struct.pack(f"<{len(ids)}H", *ids[:-1], 50256))
PYTHON
meanwhile train 2 --tokens whole.bin --out tokens --steps 2 "${brief[@]}"
meanwhile refused "a token file that ends early" "[ashlar.data.8]" 2 --tokens truncated.bin
meanwhile refused "a token file with half an id" "odd.bin" 2 --tokens odd.bin
meanwhile refused "an id beyond the vocabulary" "256" 2 --tokens beyond.bin
meanwhile refused "an id beyond the vocabulary, without a header" "50256" 2 --tokens plain.bin

meanwhile refused "a batch that 2 ranks cannot share" "15" 2 --text "$text" --batch 15
meanwhile refused "a batch that 3 ranks cannot share" "16" 3 --text "$text" --batch 16
meanwhile train 3 --text "$text" --out three --steps 1 --eval-every 5 --sample 0 # its own choice suits any number
meanwhile refused "no batch" "[ashlar.data.12]" 2 --text "$text" --batch 0

ALSO="first not finite in the \(output of\|gradient of unit\) '" meanwhile refused "a learning rate beyond reason" "finite loss and gradient at step" 2 --text "$text" \
  --learning-rate 1e30 --steps 60 --out nan "${brief[@]}"

meanwhile refused "nothing to resume" "[ashlar.options.3]" 2 --text "$text" --resume --out none
meanwhile alone "a folder without a name" "--out" "$program" --text "$text" --out ''
touch file
meanwhile refused "a file for a folder" "file" 2 --text "$text" --steps 1 --out file/run "${brief[@]}"
wait
[[ ! -d nan/step-00000060 ]] || fail "a run that failed has saved its last step"
finish
