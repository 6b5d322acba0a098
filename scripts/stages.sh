# shellcheck shell=bash
# The stages of test.sh: each is a function that fails when its tests do.

# configure PRESET: what nvcc compiles is the same in every build, so the others take it from cpu's, and
# with sanitizers its simulator, too.
configure() {
  cmake --preset cpu
  if [ "$1" != cpu ]; then
    ninja -C build/cpu nvcc gpusim
    cmake --preset "$1" -DTESSERA_NVCC_BUILD="$PWD/build/cpu"
  fi
}

# build PRESET [TARGET...]: configures and builds.
build() {
  local preset=$1
  shift
  configure "$preset"
  ninja -C "build/$preset" -j "$(nproc)" "$@"
}

# run_ctest PRESET [OPTION...]: with the real model, if stage_model could get it.
run_ctest() {
  local preset=$1 model=$PWD/build/models/minilm
  shift
  if [ -d "$model" ]; then export TESSERA_MINILM=${TESSERA_MINILM:-$model}; fi
  ctest --test-dir "build/$preset" -j "$(nproc)" --output-on-failure --verbose "$@"
}

# tests_labelled LABEL: names of the tests of the cpu build that carry it.
tests_labelled() {
  ctest --test-dir build/cpu -N -L "^$1\$" | sed -n 's/^ *Test *#[0-9]*: //p'
}

stage_setup() {
  scripts/setup.sh build test
}

# The tests against the real model skip themselves where it cannot be had, and so do the gates that
# need a disassembler.
stage_model() {
  scripts/get_minilm.sh || echo "going on without the real model"
  scripts/get_nvdisasm.sh || echo "going on without the gates on main loops"
}

stage_gcc() {
  build cpu
}

stage_tests() {
  run_ctest cpu
}

# The smallest configuration: no tests, no nvcc, none of the libraries that can be left out.
stage_minimal() {
  cmake -S . -B build/minimal -G Ninja -DTESSERA_TESTS=OFF -DTESSERA_BENCH_ONEDNN=OFF \
    -DTESSERA_LIBPNG=OFF -DTESSERA_ZLIB=OFF -DTESSERA_OPENBLAS=OFF -DTESSERA_NVCC=
  ninja -C build/minimal -j "$(nproc)"
  build/minimal/runtime/cli/tessera --version
  build/minimal/runtime/cli/tessera doctor | grep 'built without nvcc'
  small_run build/minimal/runtime/cli/tessera
}

stage_asan() {
  build asan
  UBSAN_OPTIONS=print_stacktrace=1 run_ctest asan
}

# clang's warnings about the rest are among what lint looks for.
stage_clang() {
  build clang tessera tessera_static tessera_shared
  run_ctest clang -R '^(exports|consumer|headers)$'
}

# gcc's OpenMP run-time is opaque to ThreadSanitizer: every barrier would be a false race. clang's
# comes with a tool (archer, loaded by itself) that tells it what OpenMP synchronises; its own
# code, being not instrumented, is left out (tests/CMakeLists.txt sets that option).
stage_tsan() {
  build tsan
  run_ctest tsan
}

# emulated CPU PROGRAM...: as on a CPU of that name. The emulator warns of features of the real
# one that have no bearing here.
emulated() {
  local cpu=$1
  shift
  qemu-x86_64 -cpu "$cpu" "$@" 2> >(grep -v "TCG doesn't support requested feature" >&2)
}

# emulated_test CPU/NAME
emulated_test() {
  TESSERA_TEST_QUICK=1 OMP_NUM_THREADS=2 emulated "${1%/*}" "build/cpu/tests/inprocess_${1#*/}" \
    >"build/logs/emulated-${1/\//-}.log" 2>&1 ||
    { tail -n 40 "build/logs/emulated-${1/\//-}.log"; return 1; }
  echo "$1: $(tail -n 1 "build/logs/emulated-${1/\//-}.log")"
}

# Haswell has AVX2 and FMA, but no AVX-512; Nehalem has no AVX at all.
stage_emulated() {
  local names name
  # spmm takes as long as all others together: it goes first.
  mapfile -t names < <(tests_labelled kernels | sort -r)
  [ ${#names[@]} -gt 0 ] || { echo "no test is labelled kernels"; return 1; }
  ninja -C build/cpu -j "$(nproc)" "${names[@]/#/inprocess_}" tessera
  for name in Haswell Nehalem; do
    emulated $name build/cpu/runtime/cli/tessera doctor
    small_run emulated $name build/cpu/runtime/cli/tessera
  done
  export -f emulated emulated_test
  printf '%s\0' "${names[@]/#/Haswell/}" "${names[@]/#/Nehalem/}" | in_parallel emulated_test
}

# small_run COMMAND...: one sequence through a preset, with two threads.
small_run() {
  echo "101 7592 2088 102" | "$@" run minilm --ids - --threads 2 >build/logs/run.txt
  [ "$(wc -w <build/logs/run.txt)" -eq 384 ]
}

# in_parallel FUNCTION: calls an exported function for each NUL-terminated argument.
in_parallel() {
  xargs -0 -n 1 -P "$(nproc)" bash -c 'set -euo pipefail; "$0" "$1"' "$1"
}

# Valgrind 3.19 knows AVX2 and hides AVX-512.
stage_valgrind() {
  small_run valgrind --quiet --error-exitcode=9 --leak-check=full \
    --errors-for-leak-kinds=definite build/cpu/runtime/cli/tessera
}

# Twenty seconds for each target, from its committed corpus; what it finds stays in build/fuzz.
fuzz_target() {
  local target=$1
  if [ "$target" = ptx ] && [ ! -f build/fuzz/tests/fuzz/fuzz_ptx ]; then
    echo "ptx: not built, there is no cuda.h"
    return
  fi
  mkdir -p "build/fuzz/corpus/$target"
  "build/fuzz/tests/fuzz/fuzz_$target" -max_total_time=20 -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="build/fuzz/$target-" \
    "build/fuzz/corpus/$target" "tests/fuzz/corpus/$target" >"build/logs/fuzz-$target.log" 2>&1 ||
    { tail -n 40 "build/logs/fuzz-$target.log"; return 1; }
  echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' \
    "build/logs/fuzz-$target.log") inputs"
}

# Every target has a corpus, and every corpus a target.
stage_fuzz() {
  build fuzz
  export -f fuzz_target
  find tests/fuzz/corpus -mindepth 1 -maxdepth 1 -type d -printf '%f\0' | in_parallel fuzz_target
}

stage_format() {
  scripts/format.sh --check
}

stage_lint() {
  scripts/lint.sh
}
