#!/usr/bin/env bash
# Two hosts: network namespaces with nothing in common but a cable (a veth pair), each with its own MPI daemon. The
# tensors go over MPI's TCP transport, and the losses are those of 2 processes on one host, bit for bit.

# shellcheck source=harness.bash
source "$(dirname "$0")/harness.bash"

skip() {
  printf 'SKIP: two hosts: %s\n' "$*"
  exit 77
}
command -v ip >/dev/null || skip "ip (iproute2) is not installed"
name=ashlar$$
hosts=("$name-a" "$name-b")
addresses=(10.77.31.1 10.77.31.2)
remove_hosts() { for host in "${hosts[@]}"; do ip netns del "$host" 2>/dev/null; done; }
trap 'end_all; remove_hosts; rm -rf "$work"' EXIT
for host in "${hosts[@]}"; do
  ip netns add "$host" 2>reason || skip "network namespaces are not permitted: $(<reason)"
done
# Entering one mounts its /sys, which takes a / that is a mount point: a chroot's may be none.
for host in "${hosts[@]}"; do
  ip netns exec "$host" true 2>reason || skip "network namespaces cannot be entered: $(<reason)"
done
ip link add va netns "${hosts[0]}" type veth peer name vb netns "${hosts[1]}" 2>reason ||
  skip "no virtual cable can be made: $(<reason)"
for i in 0 1; do
  link=$([[ $i == 0 ]] && echo va || echo vb)
  ip -n "${hosts[i]}" addr add "${addresses[i]}/24" dev "$link" && ip -n "${hosts[i]}" link set "$link" up &&
    ip -n "${hosts[i]}" link set lo up || fail "the network of ${hosts[i]} does not come up"
done
# In ssh's place: the second host is reached by entering it. Each host has a name and a temporary directory of its own.
cat >agent.sh <<AGENT
#!/usr/bin/env bash
[[ \$1 == ${addresses[1]} ]] || { echo "no such host: \$1" >&2; exit 1; }
shift
exec ip netns exec ${hosts[1]} unshare --uts bash -c "hostname $name-b && mkdir -p $work/tmp-b && TMPDIR=$work/tmp-b \$*"
AGENT
chmod +x agent.sh
mkdir tmp-a
printf '%s slots=1\n' "${addresses[@]}" >hosts

options=(--text "$text" --steps 12 --batch 4 --eval-every 6 --sample 20)
train 2 --out together "${options[@]}"
# Open MPI 4 (OMPI_*) and 5 (PRTE_*): how the second daemon is started, and on which network the daemons talk.
export OMPI_MCA_plm_rsh_agent=$work/agent.sh OMPI_MCA_oob_tcp_if_include=10.77.31.0/24
export PRTE_MCA_plm_ssh_agent=$work/agent.sh PRTE_MCA_prte_if_include=10.77.31.0/24
rm -rf exits && mkdir exits
TMPDIR=$work/tmp-a timeout --kill-after=5 120 ip netns exec "${hosts[0]}" unshare --uts bash -c 'hostname "$0" && exec "$@"' \
  "$name-a" mpirun -np 2 --hostfile hosts --map-by node --mca pml ob1 --mca btl tcp,self --mca btl_tcp_if_include 10.77.31.0/24 \
  bash -c 'hostname >exits/host.$OMPI_COMM_WORLD_RANK; exec "$@"' -- "$program" --out apart "${options[@]}" >log 2>&1 ||
  { fail "two hosts ended with $?:" && cat log; }
[[ $(cat exits/host.0 exits/host.1 2>/dev/null) == "$name-a"$'\n'"$name-b" ]] || fail "both ranks ran on one host"

python3 - <<'PYTHON' || fail "two hosts train something else than one"
import json
def lines(name):
    return [json.loads(line) for line in open(f"{name}/metrics.jsonl")]
together, apart = lines("together"), lines("apart")
assert len(together) == 12
for a, b in zip(together, apart, strict=True):
    for key in "step", "loss", "gradient_norm", "learning_rate", "validation_loss":
        assert a.get(key) == b.get(key), (key, a, b)
print("12 steps on two hosts, with the losses of one")
PYTHON
for rank in 0 1; do
  cmp "together/step-00000012/rank-0000$rank-of-00002.safetensors" "apart/step-00000012/rank-0000$rank-of-00002.safetensors" ||
    fail "the checkpoints differ"
done
finish
