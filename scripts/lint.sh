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

# In C++ most of the time goes into the standard library's headers, so there these alone are looked for.
cxx_checks='-*,clang-diagnostic-*,bugprone-copy-constructor-init'
cxx_checks+=',bugprone-dangling-handle,bugprone-exception-escape,bugprone-infinite-loop'
cxx_checks+=',bugprone-too-small-loop-variable,bugprone-undefined-memory-manipulation'
cxx_checks+=',bugprone-use-after-move,bugprone-virtual-near-miss,misc-redundant-expression'
cxx_checks+=',misc-unused-parameters,performance-*,-performance-no-int-to-ptr'
cxx_checks+=',-performance-inefficient-string-concatenation,readability-function-size'
export cxx_checks

# lint SOURCE. The analyser takes ten times as long as all other checks, in tests most of it for the paths
# through asserts; which paths a test takes is known, and sanitizers watch it.
lint() {
  local options=()
  case ${1#"$PWD"/} in
    *.cc) options=("--checks=$cxx_checks") ;;
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
