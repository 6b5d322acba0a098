#!/usr/bin/env bash
# The static gates on the CUDA kernels, and whether the table in kernels/cuda/README.md is of these.
# usage: cuda_gates.sh CUDA_KERNELS CUBIN...
#   CUDA_KERNELS  the build's program of that name
source "$(dirname "$0")/common.sh"

[ $# -ge 2 ] || die "usage: cuda_gates.sh CUDA_KERNELS CUBIN..."
program=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" >"$work/kernels"

options=(--kernels "$work/kernels" --table kernels/cuda/README.md)
nvdisasm=$(command -v nvdisasm || true)
if [ -x build/tools/nvdisasm ]; then nvdisasm=build/tools/nvdisasm; fi
[ -z "$nvdisasm" ] || options+=(--nvdisasm "$nvdisasm")
python3 scripts/check_cubins.py "${options[@]}" "$@"
