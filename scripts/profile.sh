#!/usr/bin/env bash
# Profiles a command with Nsight: its timeline, or Tessera's kernels one by one.
#
# usage: profile.sh timeline|kernels [-o NAME] [--] COMMAND...
#   -o NAME  what is written: NAME.nsys-rep or NAME.ncu-rep (profile)
# example: scripts/profile.sh kernels -o layer -- build/cpu/tests/cuda/drop_in_cuda
set -euo pipefail

usage() {
  sed -n '/^# usage/,/^# example/s/^# //p' "$0" >&"$1"
  exit "$(($1 == 1 ? 0 : 2))"
}

case ${1-} in
  timeline) tool=nsys ;;
  kernels) tool=ncu ;;
  -h | --help) usage 1 ;;
  *) usage 2 ;;
esac
shift
name=profile
while getopts o: option; do
  case $option in
    o) name=$OPTARG ;;
    *) usage 2 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || usage 2
command -v "$tool" >/dev/null || {
  echo "$tool is not installed; it comes with the CUDA toolkit, as Nsight Systems or Compute" >&2
  exit 3
}

if [ "$tool" = nsys ]; then
  exec nsys profile --trace cuda,nvtx,osrt --force-overwrite true --output "$name" "$@"
fi
exec ncu --set full --kernel-name regex:^tsr_ --force-overwrite --export "$name" "$@"
