#!/usr/bin/env bash
# scripts/profile.sh with stand-ins for Nsight's tools, which print what they are called with.
# usage: profile.sh SCRIPT
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
script=$1

# expect CODE TEXT ARGUMENT...: how it ends, and what it says.
expect() {
  local wanted=$1 text=$2 code=0 said
  shift 2
  said=$(PATH=$folder/bin:$PATH "$script" "$@" 2>&1) || code=$?
  [ "$code" = "$wanted" ] && [[ $said == *"$text"* ]] && return
  echo "profile.sh $*: $code, not $wanted: $said"
  exit 1
}

mkdir "$folder/bin"
command -v ncu >/dev/null || expect 3 "ncu is not installed" kernels true
for tool in nsys ncu; do
  printf '#!/bin/sh\necho %s "$@"\n' "$tool" >"$folder/bin/$tool"
  chmod +x "$folder/bin/$tool"
done
expect 0 "ncu --set full --kernel-name regex:^tsr_ --force-overwrite --export a run -x" \
  kernels -o a -- run -x
expect 0 "--output profile run" timeline run
expect 2 usage
expect 2 usage wrong run
expect 2 usage kernels
expect 0 usage --help
