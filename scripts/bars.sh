#!/bin/sh
# Measures every bar of Tessera's speed on this machine: scripts/bars.sh [MODEL_FOLDER]
# Without a folder (of MiniLM), a model of its size with random weights is used, and the bars of
# `tessera run` are left out. Takes a few minutes; keep the machine otherwise idle. What was reached
# and what was missed is printed, and the exit code is 0 either way: only a measurement that fails is
# an error.
set -eu
cd "$(dirname "$0")/.."
build=build/release
cmake --preset release >/dev/null
cmake --build "$build" --target tessera tessera_bars >/dev/null
bars="$build/bench/tessera_bars"
"$bars" layers
"$bars" layers avx2
"$bars" cold
"$bars" tokens
"$bars" models "$@"
for isa in "" avx2; do
  for what in resnet18 resnet50 bench/shapes/resnet50.txt; do
    "$bars" conv $isa "$what"
  done
done
mkdir -p "$build/bars/images"
"$bars" images "$PWD/$build/runtime/cli/tessera" "$PWD/$build/bars/images"
if [ $# -gt 0 ]; then
  tessera="$build/runtime/cli/tessera"
  work="$build/bars"
  mkdir -p "$work"
  "$tessera" prune "$1" -o "$work/pruned" --pattern block:16x16 --sparsity 0.9 >/dev/null
  "$tessera" pack "$work/pruned" -o "$work/packed" >/dev/null
  "$bars" run "$tessera" "$work/packed"
fi
