#!/usr/bin/env bash
# Runs on this machine's GPU what the tests run on the simulator, races the kernels against CUDA's
# libraries, and runs CUDA's own tools on top: all into one folder with a report, unattended, in less
# than ten minutes. What is not installed is skipped, and the report says so.
#
# usage: gpu_check.sh [-o FOLDER] [-b BUILD] [-d DRIVER] [-r]
#   -o FOLDER  what is written (build/gpu)
#   -b BUILD   the build with the tests; made if it is not there (build/cpu)
#   -d DRIVER  the CUDA driver (libcuda.so.1)
#   -r         a rehearsal: every step, but on little data; for the simulator's library as DRIVER
# environment: TESSERA_CUBLASLT, TESSERA_CUDNN, TESSERA_CUSPARSE, TESSERA_CUSPARSELT name these
#   libraries where they are neither on the linker's path, nor in the toolkit, nor among Python's
#   packages
# example: scripts/gpu_check.sh -o gpu-h100
source "$(dirname "$0")/common.sh"

usage() {
  sed -n '/^# usage/,/^# example/s/^# //p' scripts/gpu_check.sh
  exit "$1"
}

out=build/gpu build=build/cpu driver=libcuda.so.1 rehearsal=
while getopts o:b:d:rh option; do
  case $option in
    o) out=$OPTARG ;;
    b) build=$OPTARG ;;
    d) driver=$OPTARG ;;
    r) rehearsal=1 ;;
    h) usage 0 ;;
    *) usage 2 ;;
  esac
done

[ -d "$build" ] || { cmake --preset cpu && ninja -C "$build"; }
tessera=$build/runtime/cli/tessera tests=$build/tests/cuda
mkdir -p "$out"
report=$out/report.md failed=0
SECONDS=0 all_seconds=590 patience=1 # building is not counted
[ -z "$rehearsal" ] || all_seconds=5900 patience=10 # a simulator is slow, and may share its machine

# line NAME RESULT SECONDS: a row of the report.
line() {
  printf '| %s | %s | %s |\n' "$@" >>"$report"
  printf '%-24s %s (%s s)\n' "$@"
}

# run NAME LIMIT COMMAND...: on the GPU's driver, for LIMIT seconds or what is left of the ten
# minutes, output to FOLDER/NAME.log and errors to FOLDER/NAME.err. The tests are linked to the
# simulator; the driver goes before it.
run() {
  local name=$1 limit=$(($2 * patience)) left=$((all_seconds - SECONDS))
  shift 2
  timeout --kill-after 5 $((limit < left ? limit : left)) \
    env LD_PRELOAD="$driver" TESSERA_CUDA_DRIVER="$driver" "$@" >"$out/$name.log" 2>"$out/$name.err"
}

# step NAME LIMIT COMMAND...: runs it and reports how it went.
step() {
  local name=$1 start=$SECONDS code=0 result=ok
  if [ "$start" -ge "$all_seconds" ]; then
    line "$name" "skipped: the ten minutes are over" 0
    return
  fi
  run "$@" || code=$?
  case $code in
    0) ;;
    3) result="skipped: $(tail -n 1 "$out/$name.err")" ;; # something was not found
    124 | 137) result="FAILED: not done in time" ;;
    *) result="FAILED ($code): $(tail -n 1 "$out/$name.err" | tr '|' '/')" ;;
  esac
  [ $code = 0 ] || [ $code = 3 ] || failed=1
  line "$name" "$result" $((SECONDS - start))
}

# tool NAME LIMIT TOOL ARGUMENT...: a step with one of CUDA's tools, if it is installed.
tool() {
  if command -v "$3" >/dev/null; then step "$@"; else line "$1" "skipped: no $3" 0; fi
}

# find_library VARIABLE FILE: where CUDA's toolkit or a Python package may have put a library.
find_library() {
  local folder
  [ -z "${!1-}" ] || return 0
  for folder in "${CUDA_HOME:-/usr/local/cuda}"/lib{64,} \
    "$(python3 -c 'import site; print(site.getsitepackages()[0])' 2>/dev/null)"/nvidia/*/lib; do
    [ -e "$folder/$2" ] || continue
    export "$1=$folder/$2"
    return
  done
}

# bench NAME LIMIT TARGET OPTION...: a race, cold and warm, as a table, JSON and a page with charts.
bench() {
  local name=$1 limit=$2
  shift 2
  step "$name" "$limit" "$tessera" bench "$@" --backend cuda --cache both --no-dense-fallback \
    --runs 10 --seconds 0.05 --json "$out/$name.json" --html "$out/$name.html"
  benched+=("$name")
}

# What a rehearsal makes smaller.
ids=$(seq -s ' ' 1000 1031) linear=() model=() graph=() minilm=() batch=1,32 images=32 seq=128
benched=() resnet=() network=resnet50
grep -hv '^#\|^conv' bench/shapes/*.txt | sort -u >"$out/shapes.txt"
# The convolution that sees the image stays dense.
grep -v '^#\|^conv *3 ' bench/shapes/resnet50.txt >"$out/shapes-conv.txt"
grep -hv '^#' bench/shapes/bert-*.txt | sort -u >"$out/shapes-bert.txt"
blocks=block:16x16,block:64x64 models=2:4,block:64x64 large=bert-base shape="1024 1024 128"
if [ -n "$rehearsal" ]; then
  export GPUSIM_CHECKS=none
  ids="1000 1001" linear=(--filter '*/equals_the_reference') batch=1 images=1 seq=2
  # In the tests beside this one they run on the simulator anyway.
  model=(--list) graph=(--list) minilm=(--list) resnet=(--list) network=fashion-resnet
  blocks=block:16x16 models=2:4 large=minilm shape="64 64 8"
  echo "64 64 5 small" | tee "$out/shapes.txt" >"$out/shapes-bert.txt"
  echo "conv 16 32 5 5 3 1 1 1 small" >"$out/shapes-conv.txt"
fi
echo "$ids" >"$out/ids.txt"
find_library TESSERA_CUBLASLT libcublasLt.so.13
find_library TESSERA_CUDNN libcudnn.so.9
find_library TESSERA_CUSPARSE libcusparse.so.12
find_library TESSERA_CUSPARSELT libcusparseLt.so.0

{
  echo "# GPU check"
  echo
  TESSERA_CUDA_DRIVER=$driver "$tessera" doctor |
    sed -n 's/^\(tessera .*\|GPU .*\| *cu[BSD][LPN].*\)$/\1\n/p'
  echo "| Step | Result | Seconds |"
  echo "|---|---|---:|"
} >"$report"
grep -q 'none that can be used' "$report" && { cat "$report"; exit 1; }

step drop-in 20 "$tests/drop_in_cuda"
step test-linear 60 "$tests/test_cuda_linear" "${linear[@]}"
step test-model 40 "$tests/test_cuda_model" "${model[@]}"
step test-graph 40 "$tests/test_cuda_graph" "${graph[@]}"
step test-minilm 60 "$tests/test_cuda_minilm" "${minilm[@]}"
step test-resnet 40 "$tests/test_cuda_resnet" "${resnet[@]}"
step test-cli 40 "$tests/test_cuda_cli"
step run 20 "$tessera" run minilm --backend cuda --ids "$out/ids.txt" --format json
step explain 10 "$tessera" explain "$large" --backend cuda

bench bench-cublaslt 120 "$out/shapes.txt" --baseline cublaslt \
  --patterns "dense,2:4,vnm:64:2:8,$blocks" --sparsities 0.75,0.9
bench bench-cusparse-bsr 40 "$out/shapes-bert.txt" --baseline cusparse-bsr --patterns "$blocks" \
  --sparsities 0.75,0.9
bench bench-cusparse-ell 40 "$out/shapes-bert.txt" --baseline cusparse-ell --patterns "$blocks" \
  --sparsities 0.75,0.9
bench bench-cusparse-csr 20 "$out/shapes-bert.txt" --baseline cusparse-csr --patterns irregular \
  --sparsities 0.9
bench bench-cusparselt 40 "$out/shapes.txt" --baseline cusparselt --patterns 2:4
bench bench-cudnn 90 "$out/shapes-conv.txt" --baseline cudnn --patterns dense,2:4,block:16x16 \
  --sparsities 0.75 --batch "$images"
bench bench-model 60 minilm --patterns "$models" --sparsities 0.9 --batch "$batch" --seq "$seq"
bench bench-resnet 60 "$network" --patterns 2:4 --batch "$images"

# Each kernel that selection takes for a format, and those of a whole model.
formats=dense,2:4,vnm:64:2:8,block:16x16,block:32x32,block:64x64,block:64x64+2:4,irregular,row,column
nsight=(ncu --set full --kernel-name regex:^tsr_ --force-overwrite)
echo "$shape" >"$out/shape.txt"
tool nsight-layers 90 "${nsight[@]}" --export "$out/layers" "$tessera" bench "$out/shape.txt" \
  --backend cuda --baseline none --patterns "$formats" --sparsities 0.75 --runs 1 --seconds 0 \
  --no-dense-fallback
tool nsight-kernels 60 "${nsight[@]}" --launch-count 24 --export "$out/kernels" \
  "$tessera" run minilm --backend cuda --ids "$out/ids.txt" --format json
tool nsight-systems 30 nsys profile --trace cuda,nvtx --force-overwrite true --output "$out/model" \
  "$tessera" run minilm --backend cuda --ids "$out/ids.txt" --format json
# Criterion runs each test in a process of its own.
for check in memcheck racecheck initcheck synccheck; do
  tool "sanitizer-$check" 45 compute-sanitizer --tool "$check" --target-processes all \
    --error-exitcode 1 "$tests/test_cuda_linear" --filter '*/equals_the_reference'
done

for name in "${benched[@]}"; do
  printf '\n## %s\n\n```\n' "$name"
  cat "$out/$name.log"
  echo '```'
done >>"$report"
echo "$report"
exit "$failed"
