#!/usr/bin/env bash
# Brings what a build of Ashlar needs: system packages, and LibTorch into .deps/. What is there is left as it is, so a
# second run needs no network. Sourced by examples/quickstart.sh and tests/run.sh, or run by itself.
#
#   cmake/bootstrap.sh [tests]       `tests` adds clang, which builds the sanitized tests, and clang-format

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
logs=$root/.build/logs
torch_version=2.11.0
mkdir -p "$logs" "$root/.deps"

say() { printf '== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# logged NAME COMMAND...: runs it with its output in .build/logs/NAME.log; returns its exit status. A terminal sees
# ninja's count as it goes.
logged() {
  local log=$logs/$1.log pid status=0
  shift
  "$@" >"$log" 2>&1 &
  pid=$!
  if [[ -t 1 ]]; then
    while kill -0 "$pid" 2>/dev/null; do
      printf '\r   %s ' "$(grep -o '^\[[0-9]*/[0-9]*\]' "$log" | tail -n 1)"
      sleep 0.5
    done
    printf '\r                    \r'
  fi
  wait "$pid" || status=$?
  return $status
}

# step NAME COMMAND...: the same, and the end of the script when it fails.
step() {
  logged "$@" || { tail -n 30 "$logs/$1.log" >&2; die "$1 failed; the whole log is .build/logs/$1.log"; }
}

gpus() { nvidia-smi -L 2>/dev/null | grep -c '^GPU' || true; }

installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

as_root() {
  if [[ $EUID -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

updated=0
apt_update() {
  ((updated)) || step apt-update as_root apt-get update
  updated=1
}

clangs=(clang-16 clang-17 clang-18 clang-19 clang-20)

install_packages() {
  local missing=() package tool
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    for tool in g++ cmake ninja python3 mpicxx mpirun; do command -v "$tool" >/dev/null || missing+=("$tool"); done
    [[ ${#missing[@]} -eq 0 ]] || die "this system has no apt-get, and these programs are missing: ${missing[*]}." \
      "Install g++ 12 or newer, CMake 3.25 or newer, Ninja, Python 3 with pip, Open MPI, Boost, range-v3, nlohmann-json," \
      "CLI11 and Catch2, all with their headers, then run this again"
    return
  fi
  for package in g++ cmake ninja-build ccache python3 python3-pip libopenmpi-dev openmpi-bin libboost-dev \
    librange-v3-dev nlohmann-json3-dev libcli11-dev catch2; do
    installed "$package" || missing+=("$package")
  done
  if [[ ${1:-} == tests ]]; then
    installed iproute2 || missing+=(iproute2)
    any_of "${clangs[@]}"
    any_of clang-format-16
    for package in "${clangs[@]}"; do # whose sanitizers are a package of their own
      [[ " ${missing[*]} " == *" $package "* ]] || installed "$package" || continue
      installed "libclang-rt-${package#clang-}-dev" || missing+=("libclang-rt-${package#clang-}-dev")
      break
    done
  fi
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ $EUID -ne 0 ]] && ! { command -v sudo >/dev/null && sudo -v; }; then
    die "packages are missing, and installing them takes root; as root, run: apt-get install ${missing[*]}"
  fi
  say "system packages: installing ${missing[*]}"
  apt_update
  step apt-install as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

# Adds the first of these that this release has, unless one is there; a release with none of them goes without.
any_of() {
  local package
  for package in "$@"; do ! installed "$package" || return 0; done
  compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || apt_update
  for package in "$@"; do
    if [[ -n $(apt-cache madison "$package" 2>/dev/null) ]]; then missing+=("$package"); return 0; fi
  done
}

# LibTorch is PyPI's torch wheel. On CPU its CUDA libraries stay away but for the two that libtorch_cpu is linked to.
install_libtorch() {
  local stamp=$root/.deps/torch/.stamp kind=cpu temporary packages
  [[ $(gpus) -gt 0 ]] && kind=cuda
  if [[ -n ${ASHLAR_LIBTORCH:-} ]]; then
    [[ -f $ASHLAR_LIBTORCH/include/ATen/ATen.h ]] || die "ASHLAR_LIBTORCH is '$ASHLAR_LIBTORCH', which holds no include/ATen/ATen.h"
    return
  fi
  if [[ -f $stamp && $(cat "$stamp") =~ ^"$torch_version $kind" ]]; then return; fi
  if [[ ! -d $root/.deps/torch && $kind == cuda ]] && python3 - 2>/dev/null <<PYTHON
import importlib.metadata as m, sys
sys.exit(m.version("torch").split("+")[0] != "$torch_version")
PYTHON
  then
    return # cmake/FindLibTorch.cmake finds python3's
  fi
  packages=(--no-deps "torch==$torch_version" "nvidia-cuda-runtime==13.0.*" "nvidia-cuda-cupti==13.0.*")
  [[ $kind == cuda ]] && packages=("torch==$torch_version" "nvidia-cuda-crt==13.0.*")
  python3 -m pip --version >/dev/null 2>&1 || die "python3 has no pip: install python3-pip"
  say "LibTorch $torch_version ($kind): installing into .deps/torch"
  rm -rf "$root"/.deps/.torch.*
  temporary=$(mktemp -d "$root/.deps/.torch.XXXXXX")
  if ! logged libtorch python3 -m pip install --quiet --no-input --disable-pip-version-check --no-compile \
    --target "$temporary" "${packages[@]}"; then
    rm -rf "$temporary"
    grep -v '^ *$' "$logs/libtorch.log" | tail -n 3 >&2
    die "LibTorch $torch_version could not be installed from PyPI: check the network and the free disk space" \
      "(cpu 1.3 GB, cuda 5 GB), or set ASHLAR_LIBTORCH to an unpacked LibTorch"
  fi
  echo "$torch_version $kind" >"$temporary/.stamp"
  rm -rf "$root/.deps/torch"
  chmod 755 "$temporary"
  mv "$temporary" "$root/.deps/torch"
}

# One compile job a core, but no more than memory holds: LibTorch costs 1.2 GB a job.
jobs() {
  local cores memory
  cores=$(env -u OMP_NUM_THREADS nproc)
  memory=$(awk '/MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
  echo $((memory < 1 ? 1 : memory < cores ? memory : cores))
}

# configure PRESET [CMAKE ARGUMENTS]: for this machine's GPUs and LibTorch. A build tree that was made for another place
# is made anew.
configure() {
  local tree=$root/.build/$1
  if [[ -f $tree/CMakeCache.txt ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$tree/CMakeCache.txt"; then
    rm -rf "$tree"
  fi
  step "configure-$1" cmake -S "$root" --preset "$1" -DASHLAR_LIBTORCH="${ASHLAR_LIBTORCH:-}" \
    -DASHLAR_WITH_CUDA="$([[ $(gpus) -gt 0 ]] && echo ON || echo OFF)" "${@:2}"
}

# Two scripts may be started at the same time; they share .deps/ and the build trees.
lock() {
  exec 9>"$root/.build/lock"
  flock -n 9 || { say "waiting for another build in this tree"; flock 9; }
}
unlock() { exec 9>&-; }

bootstrap() {
  install_packages "${1:-}"
  install_libtorch
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  lock
  bootstrap "${1:-}"
fi
