#!/bin/sh
# Measures every bar of Tessera's speed on this machine: scripts/bars.sh [MODEL_FOLDER]
# Without a model, one of MiniLM's size with random weights is used. Takes a few minutes; keep the
# machine otherwise idle. What was reached and what was missed is printed, the exit code is 0 either
# way: only a measurement that fails is an error.
set -eu
cd "$(dirname "$0")/.."
build=build/release
cmake --preset release >/dev/null
cmake --build "$build" --target tessera_bars
bars="$build/bench/tessera_bars"
"$bars" layers
"$bars" layers avx2
"$bars" tokens
"$bars" models "$@"
