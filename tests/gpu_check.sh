#!/usr/bin/env bash
# scripts/gpu_check.sh with stand-ins for what it runs: a build whose programs end as they are told,
# and CUDA's tools, which print what they are called with.
# usage: gpu_check.sh SCRIPT
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
script=$1 out=$folder/out

program() {
  mkdir -p "$(dirname "$1")"
  printf '#!/bin/sh\n%s\n' "$2" >"$1"
  chmod +x "$1"
}

# expect PATTERN...: lines of the report.
expect() {
  local pattern
  for pattern in "$@"; do
    grep -q -- "$pattern" "$out/report.md" && continue
    echo "no '$pattern' in:"
    cat "$out/report.md"
    exit 1
  done
}

check() {
  PATH=$folder/bin:$PATH "$script" -o "$out" -b "$folder/build" -d libm.so.6 >/dev/null
}

for test in drop_in_cuda test_cuda_{linear,model,graph,minilm,resnet,cli}; do
  program "$folder/build/tests/cuda/$test" 'echo "$@"'
done
for tool in ncu nsys compute-sanitizer; do program "$folder/bin/$tool" 'echo "$0 $*"'; done
tessera=$folder/build/runtime/cli/tessera

program "$tessera" 'echo "GPU  none that can be used: no driver"'
! check || { echo "no GPU, and no failure"; exit 1; }
expect "none that can be used"

program "$tessera" 'case "$*" in doctor) echo "GPU  fake" ;; *) echo "$@" ;; esac'
check
expect "^| drop-in | ok" "^| test-linear | ok" "^| test-graph | ok" \
  "^| test-minilm | ok" "^| run | ok" "^| bench-cublaslt | ok" \
  "^| bench-cusparselt | ok" "^| bench-cudnn | ok" "^| bench-model | ok" "^| bench-resnet | ok" "^| nsight-layers | ok" \
  "^| nsight-systems | ok" "^| sanitizer-racecheck | ok" "^## bench-cusparse-ell" \
  "^bench .*--baseline cublaslt .*--cache both" "^bench .*shapes-conv.txt --baseline cudnn"
grep -q -- "--kernel-name regex:^tsr_ .*--export $out/layers" "$out/nsight-layers.log"
grep -q -- "--tool synccheck .*test_cuda_linear" "$out/sanitizer-synccheck.log"
[ "$(wc -l <"$out/shapes.txt")" -gt 20 ]
[ "$(grep -c ^conv "$out/shapes-conv.txt")" -gt 20 ]
if grep -q ^conv "$out/shapes.txt"; then exit 1; fi

program "$tessera" 'case "$*" in
  doctor) echo "GPU  fake" ;;
  *cusparselt*) echo "no such library" >&2; exit 3 ;;
  *cublaslt*) echo "cublasLtMatmul: bad" >&2; exit 11 ;;
  esac'
! check || { echo "a step failed, and gpu_check.sh did not"; exit 1; }
expect "^| bench-cusparselt | skipped: no such library" \
  "^| bench-cublaslt | FAILED (11): cublasLtMatmul: bad" "^| sanitizer-memcheck | ok"
