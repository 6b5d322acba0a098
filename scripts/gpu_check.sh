#!/usr/bin/env bash
# Runs what the tests run on the simulator on this machine's GPU, and CUDA's own tools on top, all into
# one folder with a report.
#
# usage: gpu_check.sh [-o FOLDER] [-b BUILD] [-d DRIVER]
#   -o FOLDER  what is written (build/gpu)
#   -b BUILD   the build with the tests; made if it is not there (build/cpu)
#   -d DRIVER  the CUDA driver (libcuda.so.1); a simulator's library makes this a rehearsal
# example: scripts/gpu_check.sh -o gpu-h100
source "$(dirname "$0")/common.sh"

usage() {
  sed -n '/^# usage/,/^# example/s/^# //p' scripts/gpu_check.sh
  exit "$1"
}

out=build/gpu build=build/cpu driver=libcuda.so.1
while getopts o:b:d:h option; do
  case $option in
    o) out=$OPTARG ;;
    b) build=$OPTARG ;;
    d) driver=$OPTARG ;;
    h) usage 0 ;;
    *) usage 2 ;;
  esac
done

mkdir -p "$out"
report=$out/report.md failed=0

# line NAME RESULT SECONDS: a row of the report.
line() {
  printf '| %s | %s | %s |\n' "$@" >>"$report"
  printf '%-28s %s (%s s)\n' "$@"
}

# step NAME COMMAND...: runs it on the GPU's driver, output to FOLDER/NAME.log. The tests are linked to
# the simulator; the driver goes before it.
step() {
  local name=$1 start=$SECONDS result=ok
  shift
  env LD_PRELOAD="$driver" TESSERA_CUDA_DRIVER="$driver" "$@" >"$out/$name.log" 2>&1 ||
    { result="FAILED, see $name.log" && failed=1; }
  line "$name" "$result" $((SECONDS - start))
}

# tool NAME TOOL ARGUMENT...: a step with one of CUDA's tools, if it is installed.
tool() {
  if command -v "$2" >/dev/null; then step "$@"; else line "$1" "skipped: no $2" 0; fi
}

[ -d "$build" ] || { cmake --preset cpu && ninja -C "$build"; }
tessera=$build/runtime/cli/tessera tests=$build/tests/cuda

{
  echo "# GPU check"
  echo
  TESSERA_CUDA_DRIVER=$driver "$tessera" doctor | sed -n 's/^\(tessera .*\|GPU .*\)$/\1\n/p'
  echo "| Step | Result | Seconds |"
  echo "|---|---|---:|"
} >"$report"
grep -q 'none that can be used' "$report" && { cat "$report"; exit 1; }

seq -s ' ' 1000 1031 >"$out/ids.txt"
step drop-in "$tests/drop_in_cuda"
for test in linear model graph minilm cli; do step "test-$test" "$tests/test_cuda_$test"; done
step run "$tessera" run minilm --backend cuda --ids "$out/ids.txt" --format json
step explain "$tessera" explain bert-base --backend cuda
for check in memcheck racecheck initcheck synccheck; do
  tool "sanitizer-$check" compute-sanitizer --tool "$check" --error-exitcode 1 "$tests/drop_in_cuda"
done
tool nsight-compute ncu --set full --force-overwrite --export "$out/kernels" "$tests/drop_in_cuda"
tool nsight-systems nsys profile --force-overwrite true --output "$out/model" \
  "$tessera" run minilm --backend cuda --ids "$out/ids.txt" --format json

echo "$report"
exit "$failed"
