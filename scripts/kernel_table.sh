#!/usr/bin/env bash
# Writes the table of CUDA kernels in kernels/cuda/README.md anew: registers and memory from the build,
# modelled lower bounds from the simulator's counters (some minutes).
# usage: kernel_table.sh [BOUNDS]
#   BOUNDS  what the build's tests/cuda/cuda-bounds printed, to save its run
source "$(dirname "$0")/common.sh"

build=build/cpu
[ -d $build ] || cmake --preset cpu
ninja -C $build tessera_cuda_images cuda-kernels cuda-bounds
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bounds=${1-}
if [ -z "$bounds" ]; then
  bounds=$work/bounds
  $build/tests/cuda/cuda-bounds | tee "$bounds"
fi
$build/tests/cuda/cuda-kernels >"$work/kernels"
scripts/kernel_table.py "$work/kernels" "$bounds" kernels/cuda/README.md $build/kernels/cuda/*.cubin
