#!/usr/bin/env bash
# A folder that cannot be made, for root neither: below a plain file, and where the kernel allows none. The sentence
# has the system's own reason, and every rank ends.
# cost: 5

# shellcheck source=harness.bash
source "$(dirname "$0")/harness.bash"

echo "a plain file" >file
meanwhile refused "a folder below a file" "[ashlar.options.5]" 2 --text "$text" "${brief[@]}" --steps 1 --out file/run
meanwhile refused "a folder in /proc" "[ashlar.options.5]" 2 --text "$text" "${brief[@]}" --steps 1 --out /proc/run

finish
