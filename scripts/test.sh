#!/usr/bin/env bash
# Sets up, builds and tests Tessera. Each stage's output is in build/logs; a failing stage's end is
# printed, and nothing is run after it.
# usage: test.sh [--quick] [STAGE...]
#   --quick   set-up, build and tests only
#   STAGE...  those only: see `stages` below and scripts/stages.sh
source "$(dirname "$0")/common.sh"
source scripts/stages.sh

stages=(setup model gcc tests minimal format clang asan tsan emulated valgrind fuzz lint)
if [ "${1:-}" = --quick ]; then
  stages=(setup model gcc tests)
elif [ $# -gt 0 ]; then
  stages=("$@")
fi

logs=build/logs
mkdir -p "$logs"

# The closing lines of Criterion and ctest in a log.
closing_lines() {
  sed -n -e 's/^[0-9]*: \(\[====\] Synthesis.*\)/\1/p' -e '/^[0-9]*% tests passed/p' \
    -e '/: In process: /p' -e '/^[a-z]*: [0-9]* inputs$/p' "$1"
}

started=$SECONDS
for stage in "${stages[@]}"; do
  declare -F "stage_$stage" >/dev/null || die "test.sh: no stage is called '$stage'"
  log=$logs/$stage.log
  begun=$SECONDS
  # A subshell of its own, not the condition of an if: there `set -e` would be ignored.
  set +e
  {
    TIMEFORMAT='%U %S'
    time { (
      set -e
      "stage_$stage"
    ) >"$log" 2>&1; }
  } 2>"$logs/cpu"
  rc=$?
  set -e
  if [ $rc -ne 0 ]; then
    tail -n 60 "$log"
    die "FAILED: $stage after $((SECONDS - begun)) s; all of it is in $log"
  fi
  printf 'ok: %-9s %4d s, %4.0f s of CPU\n' "$stage" $((SECONDS - begun)) \
    "$(awk '{ print $1 + $2 }' "$logs/cpu")"
  closing_lines "$log"
done
echo "all of ${stages[*]} passed in $((SECONDS - started)) s"
