#!/usr/bin/env bash
# clang-tidy over every source of the clang build, shellcheck over every script.
# usage: lint.sh [SOURCE...]
source "$(dirname "$0")/common.sh"

[ -f build/clang/compile_commands.json ] || cmake --preset clang >/dev/null

# Sources that the build knows; each once, though some are compiled twice.
sources=("$@")
if [ $# -eq 0 ]; then
  mapfile -t sources < <(sed -n 's|^ *"file": "\(.*\.cc\{0,1\}\)".*|\1|p' build/clang/compile_commands.json |
    sort -u)
fi

# lint SOURCE. The analyser takes ten times as long as all other checks, most of it for the paths through
# asserts; which paths a test takes is known, and sanitizers watch it. The simulator is no test.
lint() {
  local options=()
  case ${1#"$PWD"/} in
    tests/gpusim/cases/*) options=('--checks=-clang-analyzer-*') ;;
    tests/gpusim/*) ;;
    tests/*) options=('--checks=-clang-analyzer-*') ;;
  esac
  clang-tidy --quiet -p build/clang "${options[@]}" "$1"
}
export -f lint

echo "clang-tidy: ${#sources[@]} files"
printf '%s\0' "${sources[@]}" |
  xargs -0 -n 1 -P "$(nproc)" bash -c 'lint "$1"' lint 2>&1 |
  sed '/ warnings\{0,1\} generated\.$/d'

git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck
